import type { KeptStatement, StatementStore } from '../../store/contracts.ts';
import { readSelfSigned, speaksAt, type SelfSigned } from './statements.ts';

/** Keeps the statements that a broker relies on from now on. @param tokens verified by the keys pinned for them */
export async function keepStatements(
  store: StatementStore,
  tokens: readonly string[],
  now: number,
): Promise<void> {
  for (const token of tokens) {
    const { entity, broker } = await readSelfSigned(token.trim());
    await store.keep({ entity, sequence: broker.sequence, at: now, token: token.trim() });
  }
}

/** Every statement of some regions that was ever relied on. @param tokens those of now, which come first */
export async function everyStatement(
  tokens: readonly string[],
  store: Pick<StatementStore, 'of'>,
): Promise<SelfSigned[]> {
  const now = await Promise.all(tokens.map((token) => readSelfSigned(token.trim())));
  const former = await Promise.all(now.map((one) => formerOf(one, store)));
  const once = new Map([...now, ...former.flat().map(({ read }) => read)].map((one) => [one.token, one]));
  return [...once.values()];
}

/**
 * A region's statement of now, and of those before each that was in use at one of the times.
 *
 * @param times seconds since the epoch
 */
export async function statementsAt(
  times: readonly number[],
  now: SelfSigned,
  store: Pick<StatementStore, 'of'>,
): Promise<SelfSigned[]> {
  const former = await formerOf(now, store);
  const inUse = times.flatMap((at) => {
    const spoke = former.filter(({ read }) => speaksAt(read, at));
    // The newest that we had by then; one that came later shows at least that its keys were listed.
    return (spoke.find(({ kept }) => kept.at / 1000 <= at) ?? spoke.at(-1))?.read ?? [];
  });
  return [now, ...new Set(inUse)];
}

/** The highest sequence first. */
async function formerOf(
  { entity, broker: { sequence } }: SelfSigned,
  store: Pick<StatementStore, 'of'>,
): Promise<{ kept: KeptStatement; read: SelfSigned }[]> {
  const former = (await store.of(entity)).filter((one) => one.sequence < sequence);
  return Promise.all(former.map(async (kept) => ({ kept, read: await readSelfSigned(kept.token) })));
}
