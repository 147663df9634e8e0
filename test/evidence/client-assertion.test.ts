import assert from 'node:assert/strict';

import { importAssertionSigner } from '../../src/evidence/client-assertion.ts';
import { importSigner, isAlgorithm } from '../../src/evidence/keys.ts';
import { publicJwk } from '../../src/trust/entity-statement.ts';
import { clientKey } from '../upstream/token-endpoint.ts';

describe('the key of a client assertion', () => {
  for (const alg of ['RS384', 'ES384'] as const) {
    it(`may be ${alg}, and then signs nothing between brokers, nor for a viewer`, async () => {
      const { privateJwk, publicKey } = clientKey('smart', alg);
      assert.equal((await importAssertionSigner(privateJwk)).alg, alg);
      await assert.rejects(importSigner(privateJwk), TypeError);
      assert.equal(isAlgorithm(alg), false);
      const pinned = { ...publicKey.export({ format: 'jwk' }), kid: 'smart', alg };
      assert.equal(publicJwk.safeParse(pinned).success, false);
    });
  }

  it('is of a named algorithm, has a name and a private part', async () => {
    const { privateJwk } = clientKey('smart', 'ES384');
    for (const change of [
      { alg: 'HS256' },
      { alg: 'none' },
      { alg: undefined },
      { kid: undefined },
      { d: undefined },
    ]) {
      await assert.rejects(importAssertionSigner({ ...privateJwk, ...change }), TypeError);
    }
  });
});
