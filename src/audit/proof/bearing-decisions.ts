import type { FoundEntry } from '../../store/contracts.ts';
import { parseNote } from '../../tlog/note.ts';
import { witnessName } from '../../tlog/origin.ts';
import type { Revocation } from '../../trust/decisions.ts';
import type { ReadEntry } from '../log.ts';
import { findExchange, type FindSettings } from './find-exchange.ts';
import { MESSAGES } from './messages.ts';
import { nameOf } from './revocation.ts';
import { claimedBy } from './signature.ts';
import { readSelfSigned } from './statements.ts';
import type { Statements } from './statement-history.ts';

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
  for (const { region, detail, exchange, sequence } of decisions) {
    if (!signers.regions.has(region) || !signers.names.has(nameOf(detail.what))) continue;
    const place = await findExchange(exchange, { ...settings, origin: undefined });
    const [entry] = place?.entries ?? [];
    if (entry === undefined) untold.push(sequence);
    else told.push(entry);
  }
  return { told, untold };
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
