import { MaterialError } from '../errors.ts';
import { entityStatement, type EntityStatement, type PublicJwk } from '../trust/entity-statement.ts';
import { includesKey } from '../trust/jwk-thumbprint.ts';
import type { StatementRequest } from '../trust/statement-request.ts';

const DAY_S = 86_400;

export interface Signing {
  readonly request: StatementRequest;
  /** The statement that this one follows; undefined for a region's first. */
  readonly former: EntityStatement | undefined;
  /** The public half of the federation key that will sign. */
  readonly signingKey: PublicJwk;
  /** Federation keys that are published from now on. */
  readonly added?: readonly PublicJwk[];
  /** `kid`s of federation keys that are published no longer. */
  readonly dropped?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * The entity statement that follows a former one: its sequence is the next, its federation keys are the former ones
 * unless one is dropped by name, and it says what the request says.
 *
 * @throws MaterialError `entity-changed`, `issued-earlier`, `log-dropped`, `federation-key-unlisted`,
 *   `federation-key-dropped`, `statement-refused`
 */
export function nextStatement(signing: Signing): EntityStatement {
  const { request, former, now } = signing;
  const { entity, broker, days } = request;
  const iat = Math.floor(now / 1000);
  if (former !== undefined) checkFollows(former, request, iat);
  const sequence = former === undefined ? 1 : former.metadata.wayleave_broker.sequence + 1;
  const parsed = entityStatement.safeParse({
    iss: entity,
    sub: entity,
    iat,
    exp: iat + days * DAY_S,
    jwks: { keys: federationKeys(signing) },
    metadata: { wayleave_broker: { ...broker, sequence } },
  });
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.filter((part) => typeof part === 'string').join('.') ?? '';
  throw new MaterialError('statement-refused', `The statement would not be one: mend ${where}.`);
}

function checkFollows(former: EntityStatement, { entity, broker }: StatementRequest, iat: number): void {
  const before = former.metadata.wayleave_broker;
  if (former.sub !== entity || before.region !== broker.region) {
    throw new MaterialError(
      'entity-changed',
      `The former statement is of ${before.region} (${former.sub}), this one would be of ${broker.region} (${entity}): ` +
        'a region keeps its names.',
    );
  }
  if (iat < former.iat) {
    const issued = new Date(former.iat * 1000).toISOString();
    throw new MaterialError(
      'issued-earlier',
      `The former statement was issued on ${issued}, which is later than now: set the clock of this machine.`,
    );
  }
  const dropped = before.logs.filter((log) => !broker.logs.includes(log));
  if (dropped.length === 0) return;
  throw new MaterialError(
    'log-dropped',
    `The statement would no longer list ${dropped.join(', ')}: a log that was ever listed stays in \`logs\`, ` +
      'for what it proved must go on being proved.',
  );
}

function federationKeys({ former, signingKey, added = [], dropped = [] }: Signing): PublicJwk[] {
  const before = former?.jwks.keys ?? [signingKey];
  if (!includesKey(before, signingKey)) {
    throw new MaterialError(
      'federation-key-unlisted',
      `The former statement does not list ${signingKey.kid}, so that no neighbour would believe it: ` +
        'sign with a key that it lists, and publish the new one with --add-federation-key first.',
    );
  }
  const all = [...before, ...added.filter((key) => !includesKey(before, key))];
  const unknown = dropped.find((kid) => !all.some((key) => key.kid === kid));
  if (unknown !== undefined || dropped.includes(signingKey.kid)) {
    throw new MaterialError(
      'federation-key-dropped',
      `--drop-federation-key ${unknown ?? signingKey.kid} is ${unknown === undefined ? 'the key that signs' : 'no key of the former statement'}: ` +
        'name one that is listed and does not sign this.',
    );
  }
  return all.filter((key) => !dropped.includes(key.kid));
}
