import type { z } from 'zod';

import type { ResponseClaims } from '../../evidence/claims.ts';
import { resourcesDigest } from '../../evidence/digests.ts';
import type { NoticeClaims } from '../../evidence/notice.ts';
import { CLOCK_TOLERANCE_S, signingInputDigest, verifyMessage } from '../../evidence/message.ts';
import { fromNhsNumberToken } from '../../fhir/nhs-number.ts';
import { MESSAGES, type AnsweredClaims, type AskedClaims } from './messages.ts';
import { keySteps } from './key-steps.ts';
import { listedResources, shownResources, type Listed, type ProvedEntry } from './proved-entry.ts';
import { claimedBy, type Signature } from './signature.ts';
import { messageKeyAt, speaksAt, type SelfSignedRegion } from './statements.ts';
import { codeOf, failed, notChecked, ok, type Step } from './verdict.ts';
import { verifyOtherLogs } from './verify-other-log.ts';

/** The two ends of a message: who signed it and whom it is for. */
interface Ends {
  readonly from: SelfSignedRegion;
  readonly to: SelfSignedRegion;
}

/** A message that asks, as far as its entry still has it. */
interface Kept {
  readonly entry: ProvedEntry;
  readonly claims: AskedClaims | undefined;
}

interface Answered {
  readonly entry: ProvedEntry;
  readonly claims: AnsweredClaims;
  /** The message that it says it answers. */
  readonly bound: { readonly jti: string; readonly digest: string };
}

/**
 * The signed messages of one exchange, each by the key of its sender's statement, and that they fit each other.
 *
 * @returns the signatures that hold as well
 */
export async function verifyExchange(
  entries: readonly ProvedEntry[],
  own: SelfSignedRegion,
  regions: readonly SelfSignedRegion[],
): Promise<{ steps: Step[]; signatures: Signature[] }> {
  const steps: Step[] = [];
  const signatures: Signature[] = [];
  const queries: Kept[] = [];
  const responses: Answered[] = [];
  for (const entry of entries) {
    const message = MESSAGES[entry.leaf.event];
    if (message === undefined) continue;
    const { name, by } = message;
    const about = `entry ${entry.sequence}`;
    const token = entry.values?.[name];
    if (name === 'query') queries.push({ entry, claims: undefined });
    if (token === undefined) {
      steps.push(notChecked(name, `${about}: the signed ${name} is not there`, entry.sequence));
      continue;
    }
    const other = regions.find(({ region }) => region === entry.leaf.region);
    if (other === undefined) {
      steps.push(failed(name, `${about}: no statement of the other region`, entry.sequence));
      continue;
    }
    const ends = by === 'own' ? { from: own, to: other } : { from: other, to: own };
    try {
      if (name === 'query') {
        const { claims, digest, by: signer } = await signed(token, message.kind, ends);
        queries.splice(-1, 1, { entry, claims });
        steps.push(...told(name, entry, ends, claims, wrongWithQuery(claims, digest, entry)));
        signatures.push(signatureOf(name, entry, ends, claims, signer));
      } else {
        const { claims, digest, by: signer } = await signed(token, message.kind, ends);
        const answered = { entry, claims, bound: message.boundTo(claims) };
        responses.push(answered);
        steps.push(...told(name, entry, ends, claims, wrongWithResponse(answered, digest, by)));
        signatures.push(signatureOf(name, entry, ends, claims, signer));
      }
    } catch (error) {
      steps.push(failed(name, `${about}: ${codeOf(error)}`, entry.sequence));
    }
  }
  steps.push(
    ...signatures.flatMap(keySteps),
    ...responses.flatMap((response) => fitsQuery(response, queries)),
    ...responses.flatMap(resourcesSteps),
    ...retrySteps(entries),
    ...authoritySteps(entries, queries),
    ...shownSteps(entries),
    ...(await verifyOtherLogs(entries, regions)),
  );
  return { steps, signatures };
}

/** By a key that a statement of the sender's lists and that may sign at the time that the message itself says. */
async function signed<Claims extends AskedClaims | AnsweredClaims>(
  token: string,
  { typ, claims }: { readonly typ: string; readonly claims: z.ZodType<Claims> },
  { from, to }: Ends,
): Promise<{ claims: Claims; digest: string; by: Signer }> {
  const { iat = 0 } = claimedBy(token);
  let found: ReturnType<typeof messageKeyAt>;
  const verified = await verifyMessage<Claims>(token, {
    ...{ typ, claims, issuer: from.entity, audience: to.entity, thumbprint: undefined, now: iat * 1000 },
    key: (kid) => (found = messageKeyAt(from, kid, iat))?.key,
  });
  if (found === undefined) throw new TypeError('verified by no key');
  return { ...verified, by: { key: found.key, listedThen: speaksAt(from, found.listedBy, iat) } };
}

type Signer = Pick<Signature, 'key' | 'listedThen'>;

function signatureOf(
  name: Signature['name'],
  { sequence }: ProvedEntry,
  { from }: Ends,
  { iat, cnf }: AskedClaims | AnsweredClaims,
  signer: Signer,
): Signature {
  return { name, sequence, from, iat, thumbprint: cnf['x5t#S256'], ...signer };
}

function told(
  name: 'query' | 'response',
  { sequence }: ProvedEntry,
  { from, to }: Ends,
  { iat, jti }: { iat: number; jti: string },
  wrong: string | undefined,
): Step[] {
  const about = `entry ${sequence}: from ${from.region} to ${to.region}`;
  if (wrong !== undefined) return [failed(name, `${about}: ${wrong} is not what the entry says`, sequence)];
  return [ok(name, `${about}, ${jti}, signed ${new Date(iat * 1000).toISOString()}`, sequence)];
}

/** The first thing that the query and the entry say differently. */
function wrongWithQuery(
  claims: AskedClaims,
  digest: string,
  { leaf, values }: ProvedEntry,
): string | undefined {
  const same: [string, unknown, unknown][] = [
    ['the digest', digest, leaf.query_digest],
    ['jti', claims.jti, leaf.jti],
    ['the query that it repeats', 'retry_of' in claims ? claims.retry_of : undefined, leaf.retry_of],
    ...('items' in claims ? [] : askerSaid(claims, { leaf, values })),
    ['the relationship', 'relationship' in claims ? claims.relationship : undefined, leaf.relationship],
    ['break-glass', 'break_glass' in claims && claims.break_glass !== undefined, leaf.break_glass === true],
    ['the time', isNear(claims.iat, leaf.at), true],
  ];
  return same.find(([, said, kept]) => said !== kept)?.[0];
}

/** A notice is a region's own word: nobody asks for it. */
function askerSaid(
  claims: Exclude<AskedClaims, NoticeClaims>,
  { leaf, values }: Pick<ProvedEntry, 'leaf' | 'values'>,
): [string, unknown, unknown][] {
  return [
    ['the patient', fromNhsNumberToken(claims.patient), values?.['nhs_number']],
    ['the user', claims.requesting_user, values?.['user']],
    ['the organisation', claims.requesting_organization, leaf.organisation],
    ['the role', claims.requesting_user_role, leaf.role],
    ['the purpose', claims.reason_for_request, leaf.purpose],
  ];
}

function wrongWithResponse(
  { claims, bound, entry: { leaf } }: Answered,
  digest: string,
  by: 'own' | 'other',
): string | undefined {
  const same: [string, unknown, unknown][] = [
    ['the digest', digest, leaf.response_digest],
    ['the message that it answers', bound.jti, leaf.jti],
  ];
  // The asker's own word for the outcome also counts what a neighbour left out; and it keeps an answer once all
  // regions have answered, or their time is over.
  if (by === 'own') {
    same.push(['the outcome', claims.outcome, leaf.outcome], ['the time', isNear(claims.iat, leaf.at), true]);
  } else same.push(['the time', claims.iat * 1000 <= leaf.at + CLOCK_TOLERANCE_S * 1000, true]);
  return same.find(([, said, kept]) => said !== kept)?.[0];
}

function isNear(seconds: number, at: number): boolean {
  return Math.abs(seconds * 1000 - at) <= (CLOCK_TOLERANCE_S + 1) * 1000;
}

function fitsQuery({ entry, claims, bound }: Answered, queries: readonly Kept[]): Step[] {
  const { sequence, leaf } = entry;
  const asked = queries.filter(
    (one) => one.entry.leaf.region === leaf.region && one.entry.leaf.jti === leaf.jti,
  );
  const query = asked.find((one) => one.entry.leaf.query_digest === bound.digest);
  const about = `entry ${sequence}: the response`;
  if (query === undefined) {
    // A message that was replayed, late, or not for us is answered, and is not kept as a query.
    return leaf.event.endsWith('-refused')
      ? [notChecked('answers', `${about} refuses a message that was not admitted`, sequence)]
      : [failed('answers', `${about} answers a query that is not in this file`, sequence)];
  }
  const askedAt = query.claims?.iat;
  if (askedAt !== undefined && claims.iat < askedAt - CLOCK_TOLERANCE_S) {
    return [failed('answers', `${about} is older than its query`, sequence)];
  }
  return [ok('answers', `${about} answers the query of entry ${query.entry.sequence}`, sequence)];
}

function resourcesSteps({ entry, claims }: Answered): Step[] {
  // An answer about accesses or regions, and a receipt, hold no resources.
  return 'query_jti' in claims ? [resourcesStep(entry, claims)] : [];
}

function resourcesStep(entry: ProvedEntry, claims: ResponseClaims): Step {
  const { sequence, leaf } = entry;
  const listed = listedResources(entry) ?? [];
  const about = `entry ${sequence}: ${listed.length} resources`;
  if (claims.resources_digest === undefined) {
    if (listed.length === 0) return ok('resources', `entry ${sequence}: the response gives none`, sequence);
    return failed('resources', `${about}, and the response gives none`, sequence);
  }
  if (resourcesDigest(listed.map(({ digest }) => digest)) === claims.resources_digest) {
    return ok('resources', `${about} with their digests, all that the response signs`, sequence);
  }
  if (leaf.sources?.some(({ reason }) => reason === 'record-not-approved')) {
    return notChecked(
      'resources',
      `${about}; others, of a record that was not approved, are not listed`,
      sequence,
    );
  }
  return failed('resources', `${about}, which are not those that the response signs`, sequence);
}

/** What was asked twice was not reached the first time: both are in the asker's file. */
function retrySteps(entries: readonly ProvedEntry[]): Step[] {
  return entries.flatMap(({ sequence, leaf }): Step[] => {
    const { event, region, jti, retry_of: first } = leaf;
    if (first === undefined || !event.endsWith('-sent')) return [];
    const about = `entry ${sequence}: the query that it repeats, ${first},`;
    const lost = entries.find((one) => one.leaf.jti === first && one.leaf.retried_as === jti);
    const isFirst = entries.some(
      (one) => one.leaf.event === event && one.leaf.jti === first && one.leaf.region === region,
    );
    if (lost === undefined || !isFirst) return [failed('retry', `${about} is not in this file`, sequence)];
    return [ok('retry', `${about} was not reached (entry ${lost.sequence})`, sequence)];
  });
}

/** Each query names the viewer's token that it stands on; the asker keeps it. */
function authoritySteps(entries: readonly ProvedEntry[], queries: readonly Kept[]): Step[] {
  const plans = entries.filter(({ leaf }) => leaf.event === 'route-planned');
  const tokens = plans.flatMap(({ values }) => values?.['viewer_token'] ?? []);
  if (plans.length === 0) return [];
  const digests = new Set(tokens.map(signingInputDigest));
  const missing = plans.length > tokens.length;
  const steps = queries.flatMap(({ entry: { sequence }, claims }): Step[] => {
    if (claims === undefined || !('origin' in claims)) return [];
    const about = `entry ${sequence}: the viewer's token that the query stands on`;
    if (digests.has(claims.origin)) return [ok('authority', `${about} is here`, sequence)];
    return missing
      ? [notChecked('authority', `${about} is not there`, sequence)]
      : [failed('authority', `${about} is another one`, sequence)];
  });
  const says = "the viewer's own signature: its key is in the asking region's registration of viewers";
  return tokens.length === 0 ? steps : [...steps, notChecked('viewer-token', says)];
}

/** What the viewer saw came from answers of this exchange. */
function shownSteps(entries: readonly ProvedEntry[]): Step[] {
  const given = entries.filter(({ leaf }) => leaf.event === 'response-believed');
  const unread = given.some((entry) => entry.values === undefined);
  const key = ({ record, resource }: Omit<Listed, 'digest'>, region: string | undefined): string =>
    `${region} ${record} ${resource}`;
  const known = new Set(
    given.flatMap((entry) => (listedResources(entry) ?? []).map((one) => key(one, entry.leaf.region))),
  );
  return entries.flatMap((entry): Step[] => {
    if (entry.leaf.event !== 'released-to-viewer') return [];
    const { sequence } = entry;
    const shown = shownResources(entry);
    const about = `entry ${sequence}: what the viewer saw`;
    if (shown === undefined) return [notChecked('shown', `${about} is not there`, sequence)];
    if (shown.every((one) => known.has(key(one, one.region)))) {
      return [ok('shown', `${about}, ${shown.length} resources, came with these responses`, sequence)];
    }
    return unread
      ? [notChecked('shown', `${about} cannot be held against responses that are not there`, sequence)]
      : [failed('shown', `${about} did not come with these responses`, sequence)];
  });
}
