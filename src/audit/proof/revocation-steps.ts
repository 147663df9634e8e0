import { witnessName } from '../../tlog/origin.ts';
import type { Revocable } from '../../trust/decisions.ts';
import type { Cosigned } from './checkpoint-steps.ts';
import type { ToldDecision } from './decision-steps.ts';
import {
  compromisedFrom,
  isCompromise,
  nameOf,
  revocationsIn,
  signedWhen,
  type Revocation,
  type SignedWhen,
  type ToldRevocation,
} from './revocation.ts';
import type { Signature } from './signature.ts';
import type { SelfSignedRegion } from './statements.ts';
import { failed, iso, notChecked, ok, warning, type Result, type Step } from './verdict.ts';

/** What signed something of a file: a message, or the checkpoint as a witness. */
interface Signed {
  readonly about: string;
  readonly sequence: number | undefined;
  readonly region: string;
  /** What a revocation can name of the signer. */
  readonly signers: readonly Revocable[];
  /** Seconds since the epoch, by its own word. */
  readonly at: number;
}

interface Signers {
  readonly signatures: readonly Signature[];
  /** Of the checkpoint that covers the exchange. */
  readonly cosigned: readonly Cosigned[];
}

interface Known {
  /** Whose file it is, and whose decisions. */
  readonly owner: SelfSignedRegion | undefined;
  readonly regions: readonly SelfSignedRegion[];
}

/** For each signature whose signer the file’s own region revoked: what was decided, and when it was signed beside that. */
export function revocationSteps(
  { signatures, cosigned }: Signers,
  decided: readonly ToldDecision[],
  { owner, regions }: Known,
): Step[] {
  if (owner === undefined || signatures.length === 0) return [];
  const witnesses = cosigned.flatMap((one) => {
    const region = regions.find(({ entity }) => witnessName(entity) === one.witness)?.region;
    return region === undefined ? [] : [{ ...one, region }];
  });
  const revocations = revocationsIn(decided);
  const compromised = new Set(
    revocations
      .filter((one) => one.what.kind === 'neighbour' && isCompromise(one))
      .map(({ region }) => region),
  );
  // Whose own key is in question, and whose log it is, vouch for no time.
  const vouching = witnesses.filter(({ region }) => region !== owner.region && !compromised.has(region));
  const all = [...signatures.map(bySender), ...witnesses.map(byWitness)];
  const steps = all.flatMap((signed) => [
    ...hidden(signed, decided),
    ...revocations
      .filter((one) => one.region === signed.region && isNamed(one.what, signed))
      .map((one) =>
        step(
          signed,
          one,
          owner,
          vouching.filter(({ region }) => region !== signed.region),
        ),
      ),
  ]);
  const none = decided.length === 0 ? 'no decision' : 'no other decision';
  const rest = `${none} of ${owner.region} about who signed this is in the file: it cannot show that there is none, nor what was decided later`;
  return [...steps, notChecked('revocation', rest)];
}

function bySender({ name, sequence, from, key, iat, thumbprint }: Signature): Signed {
  const { region } = from;
  const signers: Revocable[] = [
    { kind: 'neighbour' },
    { kind: 'message-key', kid: key.kid },
    { kind: 'certificate', thumbprint },
  ];
  return { about: `entry ${sequence}: the ${name} of ${region}`, sequence, region, signers, at: iat };
}

function byWitness({ witness, region, at }: Cosigned & { readonly region: string }): Signed {
  const about = `the cosignature of ${witness}`;
  return { about, sequence: undefined, region, signers: [{ kind: 'neighbour' }], at };
}

function isNamed(what: Revocable, { signers }: Signed): boolean {
  return signers.some((one) => nameOf(one) === nameOf(what));
}

/** What one decision shows to have been revoked by then, and no decision in the file did: it was taken out. */
function hidden({ about, sequence, region, signers }: Signed, decided: readonly ToldDecision[]): Step[] {
  const own = decided.filter((one) => one.region === region);
  const missing = signers.find((signer) => {
    const name = nameOf(signer);
    return own.some(
      ({ revokedThen }, nth) =>
        revokedThen.has(name) &&
        own.slice(0, nth + 1).findLast(({ what }) => nameOf(what) === name)?.revoked === undefined,
    );
  });
  if (missing === undefined) return [];
  const says = `${about}: ${whose(missing, region)} was revoked by then, and the decision that did so is not in this file`;
  return [failed('decision', says, sequence)];
}

const RESULTS: Readonly<Record<SignedWhen, Result>> = {
  // By its own word alone, unless a witness had seen it before.
  'before-compromise': 'not-checked',
  'since-compromise': 'warning',
  'compromise-undated': 'warning',
  'before-revocation': 'ok',
  'while-revoked': 'warning',
  'after-reinstatement': 'ok',
};

const WORDS: Readonly<Record<SignedWhen, string>> = {
  'before-compromise': 'signed BEFORE that by its own word',
  'since-compromise': 'signed SINCE THEN: another may have signed it',
  'compromise-undated': 'nobody said since when: another may have signed it',
  'before-revocation': 'signed before that',
  'while-revoked': 'signed WHILE IT WAS REVOKED',
  'after-reinstatement': 'signed after it was reinstated',
};

function step(
  signed: Signed,
  revocation: Revocation,
  { region: decidedBy }: SelfSignedRegion,
  witnesses: readonly Cosigned[],
): Step {
  const when = signedWhen(signed.at, revocation);
  const { what, at, log, entry, proved, reinstated, region } = revocation;
  const { reason, compromisedSince } = revocation.revoked;
  const early =
    when !== 'before-compromise'
      ? []
      : witnesses.filter((one) => (one.at + 1) * 1000 <= (compromisedFrom(revocation) ?? -Infinity));
  const told: ToldRevocation = {
    ...{ region, what, reason },
    ...(compromisedSince === undefined ? {} : { compromisedSince: iso(compromisedSince) }),
    revokedAt: iso(at),
    ...(reinstated === undefined ? {} : { reinstatedAt: iso(reinstated.at) }),
    ...{ decidedBy, log, entry, proved, signedAt: iso(signed.at * 1000), signed: when },
    ...(early.length === 0
      ? {}
      : { witnessed: early.map((one) => ({ witness: one.witness, at: iso(one.at * 1000) })) }),
  };
  const says = wordsOf(signed.about, told);
  const { sequence } = signed;
  const result = early.length > 0 ? 'ok' : RESULTS[when];
  // What somebody may have written into the file gives nobody a clean signature.
  const make = { ok, warning, failed, 'not-checked': notChecked }[
    result === 'ok' && !proved ? 'not-checked' : result
  ];
  return { ...make('revocation', says, sequence), revocation: told };
}

function wordsOf(about: string, told: ToldRevocation): string {
  const {
    what,
    reason,
    compromisedSince,
    revokedAt,
    reinstatedAt,
    decidedBy,
    log,
    entry,
    proved,
    witnessed,
  } = told;
  const since = compromisedSince === undefined ? '' : `, compromised since ${compromisedSince}`;
  const again = reinstatedAt === undefined ? '' : `, reinstated on ${reinstatedAt}`;
  const revoked = `revoked by ${decidedBy} on ${revokedAt} (${reason})${since}${again}`;
  const unproved = proved ? '' : ': as the file tells it, and NOT PROVED by any checkpoint';
  const by = witnessed?.map((one) => `${one.witness} at ${one.at}`).join(' and ');
  const seen = by === undefined ? '' : `, and its entry was in the log before: cosigned by ${by}`;
  return `${about}, of ${told.signedAt}: ${whose(what, told.region)} was ${revoked}: ${WORDS[told.signed]}${seen} (entry ${entry} of ${log}${unproved})`;
}

function whose(what: Revocable, region: string): string {
  return what.kind === 'neighbour' ? `all of ${region}` : `its ${nameOf(what)}`;
}
