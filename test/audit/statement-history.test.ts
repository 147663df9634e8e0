import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';

import { everyStatement, statementsAt } from '../../src/audit/proof/statement-history.ts';
import { readSelfSigned } from '../../src/audit/proof/statements.ts';
import { importSigner, type Signer } from '../../src/evidence/keys.ts';
import { signStatement } from '../../src/evidence/statement.ts';
import type { KeptStatement } from '../../src/store/contracts.ts';
import { entityStatement, type EntityStatement, type PublicJwk } from '../../src/trust/entity-statement.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';

interface FederationKey {
  readonly signer: Signer;
  readonly jwk: PublicJwk;
}

async function newKey(kid: string): Promise<FederationKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const named = { kid, alg: 'EdDSA' };
  return {
    signer: await importSigner({ ...privateKey.export({ format: 'jwk' }), ...named }),
    jwk: { ...publicKey.export({ format: 'jwk' }), ...named } as PublicJwk,
  };
}

describe('the statements of before, as a store has them', () => {
  let federation: TestFederation;
  let template: EntityStatement;
  let keys: FederationKey[];
  before(async () => {
    federation = await startFederation({ regions: ['london'] });
    const payload = federation.config('london').statementToken.split('.')[1] ?? '';
    template = entityStatement.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    keys = await Promise.all(['one', 'two', 'three'].map(newKey));
  });
  after(() => federation.stop());

  const key = (nth: number): FederationKey => keys[nth] ?? assert.fail();
  /** A statement that lists some federation keys, the first of which signs it. */
  function statement(sequence: number, signs: number, ...lists: number[]): string {
    return issued(template.iat, sequence, signs, ...lists);
  }
  function issued(iat: number, sequence: number, signs: number, ...lists: number[]): string {
    const { wayleave_broker: broker } = template.metadata;
    return signStatement(key(signs).signer, {
      ...{ ...template, iat },
      jwks: { keys: [signs, ...lists].map((nth) => key(nth).jwk) },
      metadata: { wayleave_broker: { ...broker, sequence } },
    });
  }
  const stored = (...tokens: [sequence: number, token: string, entity?: string][]) => ({
    of: async (entity: string): Promise<KeptStatement[]> =>
      tokens.map(([sequence, token]) => ({ entity, sequence, at: 0, token })),
  });
  const sequences = async (now: string, store: ReturnType<typeof stored>): Promise<number[]> =>
    (await everyStatement([now], store)).map(({ broker }) => broker.sequence);

  it('are believed when the federation key of now signed them, or one that it lists', async () => {
    const now = statement(5, 0, 1);
    assert.deepEqual(await sequences(now, stored([4, statement(4, 0)], [3, statement(3, 1)])), [5, 4, 3]);
  });

  it('are believed through one another, from each change of the federation key to the one before', async () => {
    const store = stored([4, statement(4, 1, 2)], [3, statement(3, 2)]);
    assert.deepEqual(await sequences(statement(5, 0, 1), store), [5, 4, 3]);
  });

  it('prove nothing by being in the store: one of another federation key brings no key of its own', async () => {
    const now = statement(5, 0);
    const forged = statement(4, 1, 0);
    assert.deepEqual(await sequences(now, stored([4, forged], [3, statement(3, 1)])), [5]);
    const spoke = template.iat + 1;
    const vouched = await statementsAt([spoke], await readSelfSigned(now), stored([4, forged]));
    assert.deepEqual(
      vouched.map(({ broker }) => broker.sequence),
      [5],
    );
  });

  it('are left out where they are issued later than one that follows them: a dropped federation key adds none', async () => {
    const { iat } = template;
    const now = issued(iat, 5, 0);
    const between = issued(iat - 100, 4, 0, 1);
    const taken = [4, between] as [number, string];
    assert.deepEqual(await sequences(now, stored(taken, [3, issued(iat - 99, 3, 1)])), [5, 4]);
    assert.deepEqual(await sequences(now, stored(taken, [3, issued(iat + 1, 3, 0)])), [5, 4]);
    assert.deepEqual(await sequences(now, stored(taken, [3, issued(iat - 100, 3, 1)])), [5, 4, 3]);
  });

  it('are left out where they cannot be read, or bear another number, and the others stay', async () => {
    const whole = statement(4, 0);
    const broken = `${whole.slice(0, -3)}AAA`;
    const store = stored([4, broken], [4, 'nothing'], [2, statement(1, 0)], [3, statement(3, 0)]);
    assert.deepEqual(await sequences(statement(5, 0), store), [5, 3]);
  });
});
