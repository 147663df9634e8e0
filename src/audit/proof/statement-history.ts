import { EvidenceError } from '../../errors.ts';
import type { KeptStatement, StatementStore } from '../../store/contracts.ts';
import {
  areInOrder,
  byRegion,
  coversTime,
  readSelfSigned,
  vouchesFor,
  type SelfSigned,
  type SelfSignedRegion,
} from './statements.ts';

/** The entity statements at hand: a region's own, and its neighbours' as approved; and those of before. */
export interface Statements {
  readonly own: string;
  readonly others: readonly string[];
  readonly history: Pick<StatementStore, 'of'>;
}

/** @param config of one broker */
export function statementsAtHand(
  config: {
    readonly statementToken: string;
    readonly neighbours: readonly { readonly statementToken: string }[];
  },
  history: Statements['history'],
): Statements {
  const others = config.neighbours.map(({ statementToken }) => statementToken);
  return { own: config.statementToken, others, history };
}

/** Those of the statements at hand that were in use at some times. */
export interface Vouching {
  readonly own: SelfSignedRegion | undefined;
  readonly others: readonly SelfSignedRegion[];
  readonly tokens: readonly string[];
}

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
 * A region's statement of now, and of those before each that was in use at one of the times; and where the federation key
 * was changed since, the statements through which the one of now vouches for it.
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
    const spoke = former.filter(({ read }) => coversTime(read, at));
    // The newest that we had by then; one that came later shows at least that its keys were listed.
    const had = spoke.find(({ kept }) => kept.at / 1000 <= at) ?? spoke.at(-1);
    // And the newest that was issued by then, though it came later: it may list a key no more.
    return [had, spoke[0]].flatMap((one) => one?.read ?? []);
  });
  const links = inUse.flatMap((one) => linksTo(one, now, former));
  return [now, ...new Set([...inUse, ...links])];
}

/** The statements between: each lists the federation key that signed the one before it. */
function linksTo(
  one: SelfSigned,
  now: SelfSigned,
  former: readonly { readonly read: SelfSigned }[],
): SelfSigned[] {
  if (vouchesFor(now, one)) return [];
  const { sequence } = one.broker;
  const link = former.find(({ read }) => read.broker.sequence > sequence && vouchesFor(read, one))?.read;
  return link === undefined ? [] : [link, ...linksTo(link, now, former)];
}

/**
 * What vouches for something that a region wrote, and that others took part in.
 *
 * @param times seconds since the epoch at which something of it was written or signed
 * @param tookPart whether another region did, by its statement of now
 */
export async function vouchingAt(
  times: readonly number[],
  { own: ownToken, others: otherTokens, history }: Statements,
  tookPart: (one: SelfSigned) => boolean,
): Promise<Vouching> {
  const own = await readSelfSigned(ownToken.trim());
  const all = await Promise.all(otherTokens.map((token) => readSelfSigned(token.trim())));
  // A region with several records is its own neighbour.
  const others = new Map(all.filter(({ entity }) => entity !== own.entity).map((one) => [one.entity, one]));
  const [ours = [], ...theirs] = await Promise.all(
    [own, ...[...others.values()].filter(tookPart)].map((one) => statementsAt(times, one, history)),
  );
  return {
    own: byRegion(ours)[0],
    others: byRegion(theirs.flat()),
    tokens: [...ours, ...theirs.flat()].map(({ token }) => token),
  };
}

/**
 * The highest sequence first. That a text is in the store proves nothing: each must be signed by a federation key that
 * the statement of now lists, or one that is believed for it, and none may be issued later than one that follows it. What is
 * not is left out.
 */
async function formerOf(
  now: SelfSigned,
  store: Pick<StatementStore, 'of'>,
): Promise<{ kept: KeptStatement; read: SelfSigned }[]> {
  const { entity, broker } = now;
  const former: { kept: KeptStatement; read: SelfSigned }[] = [];
  for (const kept of await store.of(entity)) {
    if (kept.sequence >= broker.sequence) continue;
    const read = await readSelfSigned(kept.token).catch(unlessEvidence);
    const believed = [now, ...former.map((one) => one.read)];
    const isIts = read?.entity === entity && read.broker.sequence === kept.sequence;
    if (!isIts || !believed.every((one) => areInOrder(one, read))) continue;
    if (believed.some((one) => vouchesFor(one, read))) former.push({ kept, read });
  }
  return former;
}

function unlessEvidence(error: unknown): undefined {
  if (!(error instanceof EvidenceError)) throw error;
}
