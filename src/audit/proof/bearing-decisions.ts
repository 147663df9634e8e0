import type { FoundEntry } from '../../store/contracts.ts';
import { parseNote } from '../../tlog/note.ts';
import { witnessName } from '../../tlog/origin.ts';
import type { Revocation } from '../../trust/decisions.ts';
import { leafOf, type Event } from '../entry.ts';
import type { ReadEntry } from '../log.ts';
import { assertNotArchived, EVER, type FindSettings } from './find-exchange.ts';
import { MESSAGES } from './messages.ts';
import { nameOf } from './revocation.ts';
import { claimedBy } from './signature.ts';
import { readSelfSigned } from './statements.ts';
import type { Statements } from './statement-history.ts';

/** None but this region itself writes entries of decisions, one for each. */
const MOST_OF_ONE = 1_000;

/** Who signed something of an exchange, and with what, by name: not verified. */
interface Signers {
  readonly regions: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
}

/** The decisions that bear on an exchange, as the log tells them. */
export interface Bearing {
  /** In the order in which it was decided. */
  readonly told: readonly FoundEntry[];
  /** Numbers of those that no log of the store tells of. */
  readonly untold: readonly number[];
}

/**
 * What was revoked, and reinstated, of those who signed in an exchange or cosigned the checkpoint that covers it.
 *
 * @param decisions oldest first
 * @throws InArchive; HouseError of the store
 */
export async function bearingDecisions(
  { read, checkpoint }: { readonly read: readonly ReadEntry[]; readonly checkpoint: string },
  decisions: readonly Revocation[],
  settings: Omit<FindSettings, 'origin'> & { readonly statements: Statements },
): Promise<Bearing> {
  const signers = await signersOf(read, checkpoint, settings.statements);
  const told: FoundEntry[] = [];
  const untold: number[] = [];
  for (const decision of decisions) {
    const { region, detail, sequence } = decision;
    if (!signers.regions.has(region) || !signers.names.has(nameOf(detail.what))) continue;
    const entry = await entryOf(decision, settings);
    if (entry === undefined) untold.push(sequence);
    else told.push(entry);
  }
  return { told, untold };
}

/**
 * In whichever log of the store tells it. A viewer or a neighbour chooses the id of an exchange of its own, and may have
 * chosen this one: the entry must be of a decision, and of this one.
 *
 * @throws InArchive
 */
async function entryOf(
  { exchange, sequence, region }: Revocation,
  settings: Omit<FindSettings, 'origin'>,
): Promise<FoundEntry | undefined> {
  const event = 'trust-decided' satisfies Event;
  const found = await settings.store.search({ ...EVER, event, exchange, limit: MOST_OF_ONE });
  const entry = found.find((one) => {
    const leaf = leafOf(one);
    const decision = (leaf.detail as { readonly decision?: unknown } | undefined)?.decision;
    return leaf.event === event && leaf.region === region && decision === sequence;
  });
  if (entry !== undefined) return entry;
  const logs = (await settings.store.logs()).map(({ log }) => log);
  await assertNotArchived(logs, undefined, settings);
  return undefined;
}

async function signersOf(
  read: readonly ReadEntry[],
  checkpoint: string,
  { own, others }: Statements,
): Promise<Signers> {
  const claimed = read.flatMap(({ leaf, opened }) => {
    const message = MESSAGES[leaf.event];
    const token = message === undefined ? undefined : opened?.[message.name]?.value;
    return token === undefined ? [] : [claimedBy(token)];
  });
  const cosigners = new Set(parseNote(checkpoint).signatures.map(({ name }) => name));
  const all = await Promise.all([own, ...others].map((token) => readSelfSigned(token.trim())));
  const [us] = all;
  const witnesses = all.filter(({ entity }) => cosigners.has(witnessName(entity)));
  return {
    regions: new Set([
      ...read.flatMap(({ leaf }) => leaf.region ?? []),
      ...[us, ...witnesses].flatMap((one) => one?.broker.region ?? []),
    ]),
    names: new Set([
      nameOf({ kind: 'neighbour' }),
      ...claimed.flatMap(({ kid }) => (kid === undefined ? [] : [nameOf({ kind: 'message-key', kid })])),
      ...claimed.flatMap(({ thumbprint }) =>
        thumbprint === undefined ? [] : [nameOf({ kind: 'certificate', thumbprint })],
      ),
    ]),
  };
}
