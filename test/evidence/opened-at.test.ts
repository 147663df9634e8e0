import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';

import { importSigner } from '../../src/evidence/keys.ts';
import { signViewerToken, verifyViewerToken } from '../../src/evidence/viewer-token.ts';
import type { PublicJwk } from '../../src/trust/entity-statement.ts';

const OPENED = 1_800_000_000_000;
const AUDIENCE = 'https://london.wayleave.example';
const ISSUER = 'https://london.wayleave.example/viewers/one';

describe("a viewer's token of before the store was opened", () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const named = { kid: 'k', alg: 'EdDSA' };
  const key = { ...publicKey.export({ format: 'jwk' }), ...named } as PublicJwk;

  /** Signed so many milliseconds after the opening, and shown five seconds after it. */
  const verified = async (binding: 'certificate' | 'single-use', after: number, openedAt?: number) => {
    const signer = await importSigner({ ...privateKey.export({ format: 'jwk' }), ...named });
    const claims = {
      ...{ iss: ISSUER, aud: AUDIENCE, cnf: { 'x5t#S256': 'print' } },
      ...{ patient: 'https://fhir.nhs.uk/Id/nhs-number|9990000018', reason_for_request: 'directcare' },
      ...{ scope: 'patient/*.read', requesting_system: `${ISSUER}/system`, requesting_organization: 'RQW' },
      ...{ requesting_user: `${ISSUER}/Id/user|a`, requesting_user_role: 'R8000' },
    };
    const token = signViewerToken(signer, claims, 30, OPENED + after);
    const viewer = { issuer: ISSUER, keys: [key], binding };
    return verifyViewerToken(token, viewer, AUDIENCE, 'print', OPENED + 5_000, openedAt);
  };

  it('is refused where it could have been used before, to the second', async () => {
    await assert.rejects(verified('single-use', -1_000, OPENED), { code: 'not-fresh' });
    await assert.rejects(verified('single-use', -1, OPENED), { code: 'not-fresh' });
    assert.equal((await verified('single-use', 1_000, OPENED)).claims.iss, ISSUER);
    assert.equal((await verified('single-use', 0, OPENED)).claims.iss, ISSUER);
  });

  it('is taken where it is bound to its connection, and where the store was never closed', async () => {
    assert.equal((await verified('certificate', -1_000, OPENED)).claims.iss, ISSUER);
    assert.equal((await verified('single-use', -1_000)).claims.iss, ISSUER);
  });
});
