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

/**
 * The decisions that a file holds, each as an entry of a log of the same region.
 *
 * @returns those that nothing is wrong with as well
 */
export async function decisionSteps(
  file: EvidenceFile,
  { owner, regions, head }: Deciders,
): Promise<{ steps: Step[]; decided: ToldDecision[] }> {
  const steps: Step[] = [];
  const decided: ToldDecision[] = [];
  for (const entry of file.decisions ?? []) {
    const { origin, proved } = entry;
    const whose = owner !== undefined && listsLog(owner, origin) ? owner : undefined;
    const isHead = origin === file.origin && proved?.checkpoint === file.checkpoint;
    const under = isHead ? head : await underSteps(entry, whose, regions);
    if (!isHead) steps.push(...under.steps);
    const leaf = leafIn(entry);
    if (leaf === undefined) {
      const says = `entry ${entry.sequence} is of another place, no revocation, or cannot be read`;
      steps.push(failed('decision', says, entry.sequence));
      continue;
    }
    const included = proved && inclusionStep({ ...entry, ...proved }, leaf, under.checkpoint);
    if (included !== undefined) steps.push(included);
    const one = readDecided(entry, leaf, included !== undefined);
    const wrong = one === undefined ? unread(leaf) : outOfPlace(one, decided);
    if (one !== undefined && wrong === undefined) {
      steps.push(toldStep(one));
      if (included?.result !== 'failed' && whose !== undefined) decided.push(one);
    } else if (wrong !== undefined) steps.push(wrong);
  }
  return { steps, decided };
}

/** A decision as the entry of its region's log tells it. */
export interface ToldDecision extends Decided {
  /** All that was revoked of the neighbour from then on, by name. */
  readonly revokedThen: ReadonlySet<string>;
}

/** What is not proved must be of a log of the region's all the same. */
function underSteps(
  { origin, proved }: DecisionEntry,
  owner: SelfSignedRegion | undefined,
  regions: readonly SelfSignedRegion[],
): Promise<CheckedHead> | CheckedHead {
  if (owner === undefined || proved !== undefined)
    return checkpointSteps(origin, proved?.checkpoint ?? '', owner, regions);
  return { steps: [], checkpoint: undefined, cosigned: [] };
}

function leafIn({ sequence, leaf: text }: DecisionEntry): (LeafRead & { region: string }) | undefined {
  const leaf = readLeafText(text);
  const isIt = leaf?.event === 'trust-decided' && leaf.seq === sequence;
  const isEither = leaf?.outcome === 'revoked' || leaf?.outcome === 'reinstated';
  return isIt && isEither && leaf.region !== undefined ? { ...leaf, region: leaf.region } : undefined;
}

function readDecided(
  { origin, sequence }: DecisionEntry,
  leaf: LeafRead & { readonly region: string },
  proved: boolean,
): ToldDecision | undefined {
  const detail = said.safeParse(leaf['detail']).data;
  if (detail === undefined) return undefined;
  const { what, reason, compromised_since: compromisedSince } = detail.decided;
  const isRevoked = leaf.outcome === 'revoked';
  if (isRevoked && reason === undefined) return undefined;
  const { revoked, revoked_keys: keys = [], revoked_certificates: certificates = [] } = detail.after ?? {};
  return {
    ...{
      decision: detail.decision,
      log: origin,
      entry: sequence,
      at: leaf.at,
      region: leaf.region,
      what,
      proved,
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
function outOfPlace(one: ToldDecision, before: readonly Decided[]): Step | undefined {
  const about = `entry ${one.entry}: decision ${one.decision}`;
  const last = before.at(-1)?.decision ?? -1;
  if (one.decision <= last) return failed('decision', `${about} is not in its order`, one.entry);
  if (one.revoked !== undefined || before.findLast((other) => isOfSame(one, other))?.revoked !== undefined)
    return undefined;
  const says = `${about} takes back a revocation that is not in this file`;
  return failed('decision', says, one.entry);
}

/** An entry of before decisions were told openly, or of a later form, says that there was one, and not what. */
function unread({ seq, region, outcome, at }: LeafRead): Step {
  const says = `entry ${seq}: something of ${region} was ${outcome} on ${iso(at)}; what, cannot be read of it`;
  return warning('decision', says, seq);
}

function toldStep(one: ToldDecision): Step {
  const about = `entry ${one.entry}: ${wordsOf(one)}`;
  if (one.proved) return ok('decision', about, one.entry);
  return warning('decision', `${about}: as the file tells it, and NOT PROVED by any checkpoint`, one.entry);
}

function wordsOf({ decision, region, what, revoked, at }: Decided): string {
  const of = what.kind === 'neighbour' ? `${region} as a whole` : `${nameOf(what)} of ${region}`;
  return `decision ${decision}: ${of} ${revoked === undefined ? 'reinstated' : 'revoked'} on ${iso(at)}`;
}
