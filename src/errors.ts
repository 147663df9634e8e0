/**
 * One error base, closed codes, and the one table: code -> HTTP status -> public sentence.
 *
 * A cause stays inside (`error.cause`) for support; only the fixed sentence of the table goes out, so that no
 * patient, token or key can reach a log or a screen through an error.
 */

/** FHIR R4 issue types that the table uses (http://hl7.org/fhir/issue-type). */
type IssueType =
  | 'invalid'
  | 'value'
  | 'required'
  | 'not-supported'
  | 'not-found'
  | 'login'
  | 'expired'
  | 'security'
  | 'forbidden'
  | 'suppressed'
  | 'too-long'
  | 'too-costly'
  | 'throttled'
  | 'timeout'
  | 'transient'
  | 'incomplete'
  | 'exception';

interface PublicForm {
  readonly status: number;
  readonly issue: IssueType;
  readonly text: string;
}

const form = (status: number, issue: IssueType, text: string): PublicForm => ({ status, issue, text });

/** What a caller asked is wrong: mend the request. */
const REQUEST = {
  'bad-request': form(400, 'invalid', 'The request cannot be understood.'),
  'bad-json': form(400, 'invalid', 'The body is not the JSON that this address takes.'),
  'bad-nhs-number': form(400, 'value', 'The NHS number is not valid: check its ten digits.'),
  'patient-missing': form(400, 'required', 'Name the patient: patient=, subject= or patient.identifier=.'),
  'unknown-parameter': form(400, 'not-supported', 'A search parameter is not known or not allowed here.'),
  'bad-parameter': form(400, 'value', 'A search parameter has a value that cannot be read.'),
  'too-many-searches': form(400, 'too-costly', 'The query holds more searches than one query may.'),
  'search-too-long': form(400, 'too-long', 'The search is longer than one query may carry.'),
  'via-missing': form(
    400,
    'required',
    "This resource is not about a patient: add via=Type/id, the patient's resource that refers to it.",
  ),
  'page-unreadable': form(400, 'expired', 'The page link has expired or is not yours: search again.'),
  'unknown-type': form(404, 'not-supported', 'This resource type is not offered here.'),
  'not-found': form(404, 'not-found', 'No such resource is known for this patient.'),
  archived: form(410, 'not-found', 'The entry is archived: it can no longer be read here.'),
  'method-not-allowed': form(405, 'not-supported', 'This address takes another method.'),
  'not-acceptable': form(406, 'not-supported', 'Only application/fhir+json is served.'),
  'too-slow': form(408, 'timeout', 'The request did not arrive in time.'),
  'too-large': form(413, 'too-long', 'The body is larger than this address takes.'),
  'unsupported-media': form(
    415,
    'not-supported',
    'The body has a media type that this address does not take.',
  ),
  'encounter-refused': form(422, 'value', 'The Encounter does not say who was where, and when.'),
  'unknown-neighbour': form(404, 'not-found', 'No neighbour of that name is known here.'),
  'neighbour-name-taken': form(
    409,
    'value',
    'The region or its entity identifier belongs to somebody else here.',
  ),
  'coverage-taken': form(409, 'value', 'The statement claims sub-ICB locations of another region.'),
  'agreement-unreadable': form(
    400,
    'invalid',
    'The sharing agreement is not of the form that a configuration has.',
  ),
  'nothing-pending': form(409, 'not-found', 'Nothing of that digest waits for a decision: look again.'),
  'second-admin-needed': form(
    409,
    'forbidden',
    'Another admin than the one who proposed it has to approve it.',
  ),
  'statement-refused': form(409, 'value', 'The statement does not follow the one that is in force.'),
  'already-decided': form(409, 'value', 'It stands like that already.'),
  throttled: form(429, 'throttled', 'Too many requests: try again in a moment.'),
  'headers-too-large': form(431, 'too-long', 'The request headers are larger than this address takes.'),
} as const;

/** The caller is not who it must be. */
const IDENTITY = {
  'certificate-missing': form(401, 'login', 'A client certificate is needed.'),
  'certificate-unknown': form(403, 'security', 'The client certificate does not speak for a known party.'),
  'certificate-name': form(403, 'security', 'The client certificate does not name exactly one party.'),
  'certificate-usage': form(403, 'security', 'The client certificate is not for this use.'),
  'certificate-chain': form(403, 'security', 'The client certificate does not lead to a pinned authority.'),
  'certificate-weak-key': form(
    403,
    'security',
    'The client certificate, or an issuer of it, has a weak key.',
  ),
  'certificate-weak-signature': form(
    403,
    'security',
    'The client certificate, or an issuer of it, has a weak signature.',
  ),
  'certificate-not-yet-valid': form(
    403,
    'security',
    'The client certificate is not valid yet: check both clocks.',
  ),
  'certificate-expired': form(403, 'security', 'The client certificate is no longer valid.'),
  'certificate-revoked': form(403, 'security', 'The client certificate, or an issuer of it, is revoked.'),
  'crl-too-old': form(403, 'security', 'It cannot be told whether the client certificate is revoked.'),
  'neighbour-revoked': form(403, 'security', 'This neighbour is not trusted here any more.'),
  'token-missing': form(401, 'login', 'A bearer token signed by the viewer is needed.'),
  'token-refused': form(401, 'login', 'The token is not accepted.'),
  'patient-mismatch': form(403, 'forbidden', 'The token is for another patient.'),
  'organisation-refused': form(403, 'forbidden', 'The organisation is not registered to this viewer.'),
  'platform-organisation-refused': form(
    403,
    'forbidden',
    'The organisation is not registered to this platform.',
  ),
  'user-refused': form(403, 'forbidden', 'The user is not named, or is a shared account.'),
  'role-refused': form(403, 'forbidden', 'The role is not known here.'),
  'admin-role-refused': form(403, 'forbidden', 'The role of this admin does not reach for that.'),
  'purpose-refused': form(403, 'forbidden', 'The purpose is not one that this address serves.'),
} as const;

/** A signed message is not believed. One code a check, so that a test can tell which check it was. */
const EVIDENCE = {
  malformed: form(400, 'invalid', 'The signed message cannot be read.'),
  'alg-refused': form(401, 'security', 'The signature algorithm is not allowed.'),
  'unknown-kid': form(401, 'security', 'The signing key is not known for this sender.'),
  'bad-signature': form(401, 'security', 'The signature does not verify.'),
  'wrong-typ': form(401, 'security', 'The signed message is of another type.'),
  'wrong-issuer': form(401, 'security', 'The signed message is from another sender.'),
  'wrong-audience': form(401, 'security', 'The signed message is for another receiver.'),
  'wrong-binding': form(401, 'security', 'The signed message belongs to another connection.'),
  'not-fresh': form(401, 'expired', 'The signed message is too old or from the future: check both clocks.'),
  replayed: form(401, 'security', 'The signed message was used before.'),
  'bad-claims': form(400, 'invalid', 'A claim of the signed message is missing or cannot be read.'),
  'wrong-query': form(502, 'security', 'The response belongs to another query.'),
  'wrong-body': form(502, 'security', 'The body is not the one that was signed.'),
  'wrong-subject': form(502, 'security', 'The response holds something about another patient.'),
  'bad-bundle': form(502, 'invalid', 'The response is not a FHIR Bundle of the promised form.'),
  unsigned: form(502, 'security', 'The response is not signed.'),
} as const;

/** Believed, but not allowed. */
const POLICY = {
  'outside-coverage': form(403, 'forbidden', "The organisation is outside the sender's approved coverage."),
  'no-agreement': form(403, 'forbidden', 'No sharing agreement is in force.'),
  'purpose-not-agreed': form(403, 'forbidden', 'The sharing agreement does not cover this purpose.'),
  'role-not-agreed': form(403, 'forbidden', 'The sharing agreement does not cover this role.'),
  'locate-not-agreed': form(403, 'forbidden', 'The sharing agreement does not say where else to look.'),
  'notices-full': form(429, 'throttled', 'As many notices wait here as are taken: send them again later.'),
} as const;

/** A destination was not reached, or gave nothing that can be used. */
const DELIVERY = {
  timeout: form(504, 'timeout', 'No answer came in time.'),
  'connect-timeout': form(504, 'timeout', 'No connection could be made in time.'),
  'refused-connection': form(502, 'transient', 'The connection was refused.'),
  'lost-connection': form(502, 'transient', 'The connection broke.'),
  'tls-failed': form(502, 'security', 'No trusted connection could be made.'),
  'circuit-open': form(503, 'transient', 'Not asked again yet: recent calls failed.'),
  'bulkhead-full': form(503, 'throttled', 'Too many calls are under way.'),
  'left-alone': form(503, 'throttled', 'Not asked again yet: the other side asked to be left alone.'),
  'peer-throttled': form(503, 'throttled', 'The other side asks for fewer requests.'),
  'peer-refused': form(502, 'exception', 'The other side refused the request.'),
  'peer-failed': form(502, 'exception', 'The other side answered with an error.'),
  'bad-content': form(502, 'exception', 'The other side gave an answer that cannot be read.'),
  'answer-too-large': form(502, 'too-long', 'The other side gave a larger answer than is taken.'),
  cancelled: form(499, 'transient', 'The caller went away.'),
} as const;

/** The broker itself cannot go on. */
const HOUSE = {
  'nobody-answered': form(504, 'timeout', 'No region gave an answer that can be believed.'),
  'count-incomplete': form(504, 'incomplete', 'A count cannot be given: not every region answered.'),
  'audit-unavailable': form(503, 'transient', 'The evidence log cannot be written, so nothing is released.'),
  'store-closed': form(
    503,
    'transient',
    'The store is closed until an administrator has confirmed it, so nothing is released.',
  ),
  'store-unavailable': form(503, 'transient', 'The store cannot be reached.'),
  overloaded: form(
    503,
    'throttled',
    'More is asked at the moment than can be answered: try again in a moment.',
  ),
  stopping: form(503, 'transient', 'The broker is being stopped: try again in a moment.'),
  internal: form(500, 'exception', 'Something went wrong here.'),
} as const;

/** Code -> HTTP status, FHIR issue type and the one sentence that goes out. */
export const PUBLIC_FORM = {
  ...REQUEST,
  ...IDENTITY,
  ...EVIDENCE,
  ...POLICY,
  ...DELIVERY,
  ...HOUSE,
} as const;

export type RequestCode = keyof typeof REQUEST | keyof typeof IDENTITY;
export type EvidenceCode = keyof typeof EVIDENCE;
export type PolicyCode = keyof typeof POLICY;
export type DeliveryCode = keyof typeof DELIVERY;
export type HouseCode = keyof typeof HOUSE;
export type ErrorCode = keyof typeof PUBLIC_FORM;

/**
 * The base of every error that the broker answers.
 *
 * `detail` names the part at fault in words from the code (a parameter's name, a check's name), never a value
 * that came from outside.
 */
export abstract class WayleaveError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly detail: string | undefined;

  constructor(code: Code, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? code : `${code}: ${detail}`, options);
    this.name = new.target.name;
    this.code = code;
    this.detail = detail;
  }

  get publicForm(): PublicForm {
    return PUBLIC_FORM[this.code];
  }
}

/** True for every error that the one table has a public form for. */
export function isWayleaveError(error: unknown): error is WayleaveError {
  return error instanceof WayleaveError;
}

/** What a caller asked is wrong, or the caller is not who it must be. */
export class RequestError extends WayleaveError<RequestCode> {}

/** Not believed: a signed message failed a check. */
export class EvidenceError extends WayleaveError<EvidenceCode> {
  /**
   * Set when the signature itself was good, so that the refusal can be signed and bound to the message: its
   * `jti` (if it has a readable one) and the digest of its signing input.
   */
  signed: { readonly jti: string; readonly digest: string } | undefined;
}

/** Believed but not allowed. */
export class PolicyRefusal extends WayleaveError<PolicyCode> {}

/** Not reachable. */
export class DeliveryError extends WayleaveError<DeliveryCode> {
  /**
   * Set where nothing of an answer came back, so that the same may be asked once more: on a new connection; or on one
   * that was kept open, and was closed at the other end just when it was used.
   */
  unanswered: 'new' | 'kept' | undefined;
  /** There is time for that: whoever asked is to ask once more. */
  mayRetry = false;
  /** It says nothing of how the other side is as a whole. */
  blameless = false;
}

/** The broker itself cannot go on. */
export class HouseError extends WayleaveError<HouseCode> {}

/** A start that must not happen: its message is a sentence with the setting, what is wrong and the mend. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/**
 * Why a key, a certificate or a statement of our own cannot be taken as it is. One code a check; the message is a
 * sentence with the file, what is wrong and the mend, and quotes no key and no passphrase.
 */
export class MaterialError extends Error {
  override readonly name = 'MaterialError';
  readonly code: MaterialCode;

  constructor(code: MaterialCode, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.code = code;
  }
}

export type MaterialCode =
  // Files
  | 'exists'
  | 'not-written'
  | 'unreadable'
  // Keys
  | 'key-missing'
  | 'key-unreadable'
  | 'key-mismatch'
  | 'several-keys'
  | 'weak-key'
  | 'password-wrong'
  // Certificates
  | 'no-certificate'
  | 'leaf-missing'
  | 'several-leaves'
  | 'issuer-missing'
  | 'not-an-authority'
  | 'foreign-certificate'
  | 'anchor-unlisted'
  | 'name-missing'
  | 'name-foreign'
  | 'names-fewer'
  | 'usage-wrong'
  | 'weak-signature'
  | 'not-yet-valid'
  | 'expired'
  | 'bad-name'
  // Statements
  | 'entity-changed'
  | 'issued-earlier'
  | 'log-dropped'
  | 'federation-key-dropped'
  | 'federation-key-unlisted'
  | 'statement-refused';
