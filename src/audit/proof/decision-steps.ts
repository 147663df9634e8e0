import { z } from 'zod';

import { revocable, revocation } from '../../trust/decisions.ts';
import { checkpointSteps, type CheckedHead } from './checkpoint-steps.ts';
import type { DecisionEntry, EvidenceFile } from './evidence-file.ts';
import { inclusionStep } from './inclusion-step.ts';
import { readLeafText, type LeafRead } from './proved-entry.ts';
import { isOfSame, nameOf, type Decided } from './revocation.ts';
import { listsLog, type SelfSignedRegion } from './statements.ts';
import { failed, iso, ok, warning, type Step } from './verdict.ts';

const names = z.array(z.string());

/** What the entry of a decision says openly of it (`trust-decided`). */
const said = z.looseObject({
  decision: z.int().nonnegative(),
  decided: z.looseObject({ what: revocable, ...revocation, reason: revocation.reason.optional() }),
  after: z
    .looseObject({ revoked: z.string().optional(), revoked_keys: names, revoked_certificates: names })
    .optional(),
});

/** Whose entries these must be, and by what they are verified. */
export interface Deciders {
  /** The region whose file it is: its log alone tells what it decided. */
  readonly owner: SelfSignedRegion | undefined;
  readonly regions: readonly SelfSignedRegion[];
  /** Of the file's own checkpoint, which may cover decisions too. */
  readonly head: CheckedHead;
}

/** The decisions that a file holds, each as an entry of a log of the same region; those alone that are proved are given. */
export async function decisionSteps(
  file: EvidenceFile,
  { owner, regions, head }: Deciders,
): Promise<{ steps: Step[]; decided: ProvedDecision[] }> {
  const steps: Step[] = [];
  const decided: ProvedDecision[] = [];
  for (const entry of file.decisions ?? []) {
    const { origin, checkpoint: note } = entry;
    const isHead = origin === file.origin && note === file.checkpoint;
    const whose = owner !== undefined && listsLog(owner, origin) ? owner : undefined;
    const under = isHead ? head : await checkpointSteps(origin, note, whose, regions);
    if (!isHead) steps.push(...under.steps);
    const one = readEntry(entry);
    if (one === undefined) {
      steps.push(unread(entry));
      continue;
    }
    const included = inclusionStep(entry, one.leaf, under.checkpoint);
    const wrong = outOfPlace(one, decided);
    const isProved = included.result === 'ok' && wrong === undefined;
    if (isProved) decided.push(one);
    steps.push(included, wrong ?? ok('decision', `entry ${entry.sequence}: ${wordsOf(one)}`, entry.sequence));
  }
  return { steps, decided };
}

/** A decision that is an entry of its region's own log. */
export interface ProvedDecision extends Decided {
  readonly leaf: LeafRead;
  /** All that was revoked of the neighbour from then on, by name. */
  readonly revokedThen: ReadonlySet<string>;
}

function readEntry({ origin, sequence, leaf: text }: DecisionEntry): ProvedDecision | undefined {
  const leaf = readLeafText(text);
  if (leaf?.event !== 'trust-decided' || leaf.seq !== sequence || leaf.region === undefined) return undefined;
  const detail = said.safeParse(leaf['detail']).data;
  const { what, reason, compromised_since: compromisedSince } = detail?.decided ?? {};
  const isRevoked = leaf.outcome === 'revoked';
  if (detail === undefined || what === undefined || !(isRevoked || leaf.outcome === 'reinstated'))
    return undefined;
  if (isRevoked && reason === undefined) return undefined;
  const { revoked, revoked_keys: keys = [], revoked_certificates: certificates = [] } = detail.after ?? {};
  return {
    ...{
      leaf,
      decision: detail.decision,
      log: origin,
      entry: sequence,
      at: leaf.at,
      region: leaf.region,
      what,
    },
    revoked: isRevoked && reason !== undefined ? { reason, compromisedSince } : undefined,
    revokedThen: new Set([
      ...(revoked === undefined ? [] : [nameOf({ kind: 'neighbour' })]),
      ...keys.map((kid) => nameOf({ kind: 'message-key', kid })),
      ...certificates.map((thumbprint) => nameOf({ kind: 'certificate', thumbprint })),
    ]),
  };
}

/** What one decision shows of those that ought to be before it; undefined where nothing is wrong. */
function outOfPlace(one: ProvedDecision, before: readonly Decided[]): Step | undefined {
  const about = `entry ${one.entry}: decision ${one.decision}`;
  const last = before.at(-1)?.decision ?? -1;
  if (one.decision <= last) return failed('decision', `${about} is not in its order`, one.entry);
  if (one.revoked !== undefined || before.findLast((other) => isOfSame(one, other))?.revoked !== undefined)
    return undefined;
  const says = `${about} takes back a revocation that is not in this file`;
  return failed('decision', says, one.entry);
}

/** An entry of before decisions were told openly says that there was one, and not what. */
function unread({ sequence, leaf: text }: DecisionEntry): Step {
  const leaf = readLeafText(text);
  const about = `entry ${sequence}`;
  const detail = leaf?.['detail'] as { readonly decided?: unknown } | undefined;
  if (leaf?.event !== 'trust-decided' || leaf.seq !== sequence || detail?.decided !== undefined)
    return failed('decision', `${about} is of another place, no revocation, or cannot be read`, sequence);
  const says = `${about}: something of ${leaf.region} was ${leaf.outcome} on ${iso(leaf.at)}; what, it does not say openly`;
  return warning('decision', says, sequence);
}

function wordsOf({ decision, region, what, revoked, at }: Decided): string {
  const of = what.kind === 'neighbour' ? `${region} as a whole` : `${nameOf(what)} of ${region}`;
  return `decision ${decision}: ${of} ${revoked === undefined ? 'reinstated' : 'revoked'} on ${iso(at)}`;
}
