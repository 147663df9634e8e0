import type { PublicJwk } from '../../trust/entity-statement.ts';
import { jwkThumbprint } from '../../trust/jwk-thumbprint.ts';
import {
  areInOrder,
  byRegion,
  endOf,
  readSelfSigned,
  speaksAt,
  vouchesFor,
  type LedToPinned,
  type SelfSigned,
  type SelfSignedRegion,
} from './statements.ts';
import { codeOf, failed, iso, notChecked, ok, type Step } from './verdict.ts';

/** When what statements vouch for was written, milliseconds since the epoch. */
export interface Span {
  readonly oldest: number;
  readonly newest: number;
}

/**
 * Whose statements these are, each whole and signed by its own federation key, those of one region by keys that vouch
 * for each other; and whether they were in force when it was written.
 *
 * @param pinned federation keys that are known from elsewhere: each statement must be signed by one of them, or lead to one
 *   that is through newer ones, each listing the key that signed the one before it
 */
export async function statementSteps(
  statements: readonly string[],
  span: Span,
  pinned: readonly PublicJwk[] | undefined,
): Promise<{ steps: Step[]; regions: SelfSignedRegion[] }> {
  const read: Read[] = [];
  for (const token of statements) {
    try {
      read.push({ one: await readSelfSigned(token) });
    } catch (error) {
      read.push({ fault: codeOf(error) });
    }
  }
  const { believed, wrong } = standingSideBySide(read.flatMap(({ one }) => one ?? []));
  const led = pinned && leadToPinned(believed, pinned);
  const regions = byRegion(believed, led);
  const steps = read.flatMap(({ one, fault }): Step[] => {
    if (one === undefined) return [failed('statement', fault)];
    const contradicts = wrong.get(one);
    if (contradicts !== undefined) return [contradicts];
    const { region, sequence } = one.broker;
    const whose = `${region} (${one.entity}), sequence ${sequence}, signed by its federation key`;
    return [ok('statement', whose), pinnedStep(one, led), ...formerSteps(one, regions)];
  });
  return { steps: [...steps, ...regions.map((region) => inForceStep(region, span))], regions };
}

/** A statement that is signed by its own key, or why it is none. */
type Read =
  { readonly one: SelfSigned; readonly fault?: never } | { readonly one?: never; readonly fault: string };

/**
 * Those that can stand side by side, the first of each region always; and why each of the others cannot. Of one region,
 * each but the newest must be signed by a federation key that a newer one lists, and be issued no later than that.
 */
function standingSideBySide(all: readonly SelfSigned[]): {
  believed: SelfSigned[];
  wrong: Map<SelfSigned, Step>;
} {
  const believed: SelfSigned[] = [];
  const wrong = new Map<SelfSigned, Step>();
  for (const [entity, own] of Map.groupBy(all, (one) => one.entity)) {
    const isTaken = believed.some(({ broker }) => broker.region === own[0]?.broker.region);
    for (const one of outwards(own)) {
      const mine = believed.filter((other) => other.entity === entity);
      const says = isTaken ? failed('statement', `a second ${one.broker.region}`) : contradiction(one, mine);
      if (says === undefined) believed.push(one);
      else wrong.set(one, says);
    }
  }
  return { believed, wrong };
}

/** The first, then what is newer, the oldest first, then the others, the newest first: each after what it leans on. */
function outwards(all: readonly SelfSigned[]): SelfSigned[] {
  const [first, ...others] = all;
  if (first === undefined) return [];
  const rising = others.toSorted((one, other) => one.broker.sequence - other.broker.sequence);
  const isNewer = ({ broker }: SelfSigned): boolean => broker.sequence > first.broker.sequence;
  return [first, ...rising.filter(isNewer), ...rising.filter((one) => !isNewer(one)).toReversed()];
}

/** Why a statement cannot stand beside others of its region that do; undefined when it can. */
function contradiction(one: SelfSigned, own: readonly SelfSigned[]): Step | undefined {
  const { region, sequence } = one.broker;
  if (own.some(({ broker }) => region !== broker.region || sequence === broker.sequence))
    return failed('statement', `a second statement ${sequence} of ${region}`);
  const newer = own.filter(({ broker }) => broker.sequence > sequence);
  const [newest] = own.toSorted((a, b) => b.broker.sequence - a.broker.sequence);
  const isVouchedFor = newer.some((other) => vouchesFor(other, one));
  const vouches = newer.length === 0 && (newest === undefined || vouchesFor(one, newest));
  if (!isVouchedFor && !vouches) {
    return failed(
      'statement',
      `two statements of ${region} whose federation keys do not vouch for each other`,
    );
  }
  // A federation key that was dropped speaks for no time after that.
  const other = own.find((each) => !areInOrder(one, each));
  if (other === undefined) return undefined;
  const dates = [one, other].map((each) => `${each.broker.sequence} is of ${issued(each)}`).join(', and ');
  return failed('statement-order', `statements of ${region} are not issued in their order: ${dates}`);
}

/** @param pinned federation keys that are known from elsewhere */
function leadToPinned(believed: readonly SelfSigned[], pinned: readonly PublicJwk[]): LedToPinned {
  const known = new Set(pinned.map(jwkThumbprint));
  const led = new Map<SelfSigned, SelfSigned>();
  for (const one of believed.toSorted((a, b) => b.broker.sequence - a.broker.sequence)) {
    if (known.has(one.thumbprint)) led.set(one, one);
    else {
      const through = [...led].find(([newer]) => newer.entity === one.entity && vouchesFor(newer, one));
      if (through !== undefined) led.set(one, through[1]);
    }
  }
  return led;
}

function pinnedStep(one: SelfSigned, led: LedToPinned | undefined): Step {
  const { broker, thumbprint } = one;
  const key = `the federation key of ${broker.region} has the thumbprint ${thumbprint}`;
  if (led === undefined) return notChecked('federation-key', `${key}: compare it with what the region tells`);
  const to = led.get(one);
  if (to === undefined) return failed('federation-key', `${key}, which is not among those given`);
  if (to === one) return ok('federation-key', key);
  const through = `statement ${to.broker.sequence}, which one of those given signed`;
  return ok('federation-key', `${key}: a former one, to which leads its ${through}`);
}

/** Whoever has a former federation key, the region or a thief, can still make statements of its time. */
function formerSteps(one: SelfSigned, regions: readonly SelfSignedRegion[]): Step[] {
  const of = regions.find(({ entity }) => entity === one.entity);
  const newest = of?.statements[0];
  if (newest === undefined || of?.leaning.has(one) !== true) return [];
  const { region, sequence } = one.broker;
  const statement = `statement ${newest.broker.sequence} of ${issued(newest)}`;
  const by = vouchesFor(newest, one)
    ? `another federation key, which ${statement} still lists and one that is not here may have dropped`
    : `a former federation key that ${statement} lists no more`;
  const says =
    `${region}, sequence ${sequence}: led to through ${by}: ` +
    `who has that key could have made it since, and dated it ${issued(one)}`;
  return [notChecked('former-federation-key', says)];
}

function issued({ statement }: SelfSigned): string {
  return iso(statement.iat * 1000);
}

/** A statement that was signed later shows that a key is listed, and not that it was then. */
function inForceStep(of: SelfSignedRegion, { oldest, newest }: Span): Step {
  const { region, statements } = of;
  const spans = statements.map(
    ({ statement }) => `from ${iso(statement.iat * 1000)} to ${iso(statement.exp * 1000)}`,
  );
  const says = `${region}: ${spans.join('; ')}`;
  const spoke = (at: number): boolean => statements.some((one) => speaksAt(of, one, at / 1000));
  if (spoke(oldest) && spoke(newest)) return ok('in-force', says);
  if (statements.every((one) => newest >= endOf(of, one) * 1000))
    return failed('in-force', `${says}, which ended before the exchange`);
  return notChecked('in-force', `${says}, which is later than the exchange`);
}
