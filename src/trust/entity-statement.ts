import { createPublicKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';

/** Seconds since the epoch, up to the year 9999: a time that every calendar can write. */
const seconds = z.int().min(0).max(253_402_300_799);

/** A public JWK (RFC 7517) with the algorithm that it is pinned to (RFC 7518, RFC 8037). */
export const publicJwk = z
  .looseObject({
    kty: z.enum(['EC', 'OKP']),
    kid: z.string().regex(/^[\x21-\x7e]{1,128}$/, 'up to 128 visible ASCII characters'),
    alg: z.enum(['ES256', 'EdDSA']),
    crv: z.enum(['P-256', 'Ed25519']),
    x: z.string().max(64),
    y: z.string().max(64).optional(),
    /** Seconds since the epoch between which the key may sign; absent means the statement's own dates. */
    nbf: seconds.optional(),
    exp: seconds.optional(),
  })
  .refine((jwk) => !('d' in jwk), 'a private key where a public one belongs')
  .refine(isPublicKey, 'a key of its kind and curve');

export type PublicJwk = z.infer<typeof publicJwk>;

/** The id of a region or a record: it is a name in paths, rows and logs, so nothing but these. */
const id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens');
/** For people: never compared. */
const words = z.string().max(200);
const odsCode = z.string().regex(/^[A-Z0-9]{3,12}$/, 'an ODS code');

const recordMetadata = z.object({
  id,
  name: words,
  /** FHIR resource types that can be asked for; the agreement may offer fewer. */
  offers: z.array(z.string().max(64)).max(256),
  /** The care setting of a resource that says none itself. */
  care_setting: z.string().max(64),
});

/** An address or an identifier that is one: no query, no fragment, no user. */
const httpsUrl = z
  .url({ protocol: /^https$/ })
  .max(512)
  .refine((url) => !/[?#@]/.test(url), 'an https address without query, fragment or user');

/** Names of authorities go into every handshake, of all neighbours together at most 64 KiB (RFC 8446, 4.2.4). */
const LONGEST_SUBJECT = 256;

/** One certificate, as it stands between its two lines (RFC 7468): what is pinned must be readable. */
const pemCertificate = z.string().max(8_192).refine(isOneCertificate, 'one X.509 certificate in PEM');

/** As C2SP asks: a URL without its scheme; it is the name of a key as well. */
const logOrigin = z.string().regex(/^[a-z0-9.:-]+(\/[a-z0-9-]+)+$/, "a log's origin");

/** A DNS name (RFC 1123): in lower case, as it is compared, and never with a wildcard. */
const hostName = z
  .string()
  .max(253)
  .regex(
    /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'a DNS name in lower case',
  );

/** Authorities that a region may list at once: an old and a new one, and some to spare. */
export const MOST_ANCHORS = 4;

/** Further addresses for queries that a region may list. */
export const MOST_ALTERNATES = 7;

/** `metadata.wayleave_broker` of an entity statement: what a broker says of itself. */
export const brokerMetadata = z.object({
  region: id,
  name: words,
  contact: words,
  endpoints: z
    .object({
      federation: httpsUrl,
      /** Where the same broker, or another replica, is asked when the one above cannot be connected to; in this order. */
      federation_alternates: z.array(httpsUrl).min(1).max(MOST_ALTERNATES).optional(),
      /** Where the statement itself is served, below `/.well-known`; absent: at the entity identifier. */
      statement: httpsUrl.optional(),
    })
    .refine((given) => new Set(endpointsIn(given)).size === endpointsIn(given).length, 'each address once'),
  tls: z.object({
    anchors: z.array(pemCertificate).min(1).max(MOST_ANCHORS),
    /** Host names that certificates without a URI name may carry in the place of the entity identifier. */
    names: z.array(hostName).max(16).optional(),
  }),
  message_keys: z.array(publicJwk).min(1).max(16),
  /** Ed25519 keys that sign the checkpoints of the logs below, under the log's origin as name. */
  log_keys: z.array(publicJwk).min(1).max(64),
  /** Origins of this region's logs, one for each replica and for each that came before (C2SP tlog-checkpoint). */
  logs: z.array(logOrigin).max(64),
  /** Ed25519 keys that cosign others' checkpoints, under the name of this region as a witness (C2SP tlog-cosignature). */
  witness_keys: z.array(publicJwk).min(1).max(64),
  coverage: z.object({
    sub_icbs: z.array(odsCode).max(256),
    organisations: z.array(odsCode).max(4_096),
  }),
  records: z.array(recordMetadata).min(1).max(256),
  sequence: z.int().nonnegative(),
  /** Seconds after which a neighbour should look for a newer statement. */
  refresh_hint: z.number().int().positive(),
});

export type BrokerMetadata = z.infer<typeof brokerMetadata>;

/** Where a broker is asked, in its own order. */
export function endpointsIn({
  federation,
  federation_alternates: others = [],
}: {
  readonly federation: string;
  readonly federation_alternates?: readonly string[] | undefined;
}): [string, ...string[]] {
  return [federation, ...others];
}

/** The claims of an entity configuration (OpenID Federation 1.0, section 3), self-signed by the federation key. */
export const entityStatement = z
  .object({
    iss: httpsUrl,
    sub: httpsUrl,
    iat: seconds,
    exp: seconds,
    jwks: z.object({ keys: z.array(publicJwk).min(1).max(16) }),
    metadata: z.object({ wayleave_broker: brokerMetadata }),
  })
  // Whoever lists another's log would be believed about it.
  .refine(
    ({ sub, metadata }) =>
      metadata.wayleave_broker.logs.every((origin) => origin.startsWith(`${new URL(sub).host}/`)),
    { error: 'logs under the entity’s own name', path: ['metadata', 'wayleave_broker', 'logs'] },
  );

export type EntityStatement = z.infer<typeof entityStatement>;

/** The JOSE `typ` of an entity statement. */
export const STATEMENT_TYP = 'entity-statement+jwt';

const PEM = /^-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/;

function isOneCertificate(text: string): boolean {
  if (!PEM.test(text)) return false;
  try {
    return new X509Certificate(text).subject.length <= LONGEST_SUBJECT;
  } catch {
    return false;
  }
}

function isPublicKey(jwk: { readonly kty: string; readonly alg: string; readonly crv: string }): boolean {
  const wanted = jwk.kty === 'EC' ? ['ES256', 'P-256'] : ['EdDSA', 'Ed25519'];
  if (jwk.alg !== wanted[0] || jwk.crv !== wanted[1]) return false;
  try {
    createPublicKey({ key: jwk, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}
