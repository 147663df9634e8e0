import type { PublicJwk } from '../../trust/entity-statement.ts';
import { jwkThumbprint } from '../../trust/jwk-thumbprint.ts';
import {
  byRegion,
  readSelfSigned,
  speaksAt,
  vouchesFor,
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
 * @param pinned federation keys that are known from elsewhere: each statement must be signed by one of them
 */
export async function statementSteps(
  statements: readonly string[],
  span: Span,
  pinned: readonly PublicJwk[] | undefined,
): Promise<{ steps: Step[]; regions: SelfSignedRegion[] }> {
  const steps: Step[] = [];
  const believed: SelfSigned[] = [];
  for (const token of statements) {
    try {
      const one = await readSelfSigned(token);
      const wrong = believed.map((other) => contradiction(one, other)).find((found) => found !== undefined);
      if (wrong !== undefined) {
        steps.push(failed('statement', wrong));
        continue;
      }
      believed.push(one);
      const { region, sequence } = one.broker;
      const says = `${region} (${one.entity}), sequence ${sequence}, signed by its federation key`;
      steps.push(ok('statement', says), pinnedStep(one, pinned));
    } catch (error) {
      steps.push(failed('statement', codeOf(error)));
    }
  }
  const regions = byRegion(believed);
  return { steps: [...steps, ...regions.map((region) => inForceStep(region, span))], regions };
}

/** Why two statements cannot stand side by side; undefined when they can. */
function contradiction(one: SelfSigned, other: SelfSigned): string | undefined {
  const { region, sequence } = one.broker;
  if (one.entity !== other.entity) return region === other.broker.region ? `a second ${region}` : undefined;
  if (region !== other.broker.region || sequence === other.broker.sequence)
    return `a second statement ${sequence} of ${region}`;
  const [newer, older] = sequence > other.broker.sequence ? [one, other] : [other, one];
  return vouchesFor(newer, older)
    ? undefined
    : `two statements of ${region} whose federation keys do not vouch for each other`;
}

function pinnedStep({ broker, thumbprint }: SelfSigned, pinned: readonly PublicJwk[] | undefined): Step {
  const key = `the federation key of ${broker.region} has the thumbprint ${thumbprint}`;
  if (pinned === undefined)
    return notChecked('federation-key', `${key}: compare it with what the region tells`);
  return pinned.some((one) => jwkThumbprint(one) === thumbprint)
    ? ok('federation-key', key)
    : failed('federation-key', `${key}, which is not among those given`);
}

/** A statement that was signed later shows that a key is listed, and not that it was then. */
function inForceStep({ region, statements }: SelfSignedRegion, { oldest, newest }: Span): Step {
  const spans = statements.map(
    ({ statement }) => `from ${iso(statement.iat * 1000)} to ${iso(statement.exp * 1000)}`,
  );
  const says = `${region}: ${spans.join('; ')}`;
  const spoke = (at: number): boolean => statements.some((one) => speaksAt(one, at / 1000));
  if (spoke(oldest) && spoke(newest)) return ok('in-force', says);
  if (statements.every(({ statement }) => newest >= statement.exp * 1000))
    return failed('in-force', `${says}, which ended before the exchange`);
  return notChecked('in-force', `${says}, which is later than the exchange`);
}
