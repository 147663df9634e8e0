import assert from 'node:assert/strict';

import { CompactEncrypt, decodeProtectedHeader } from 'jose';

import { encryptJwk, isCompactJwe, openJwe } from '../../src/evidence/encrypted-jwk.ts';

describe('a private JWK under a passphrase', () => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', kid: 'one', x: 'x', d: 'our-secret' };
  let sealed: string;

  before(async () => {
    sealed = await encryptJwk(jwk, 'päss phrase');
  });

  it('is a compact JWE with PBES2 and no fewer than 600,000 iterations', () => {
    const { alg, enc, cty, p2c, p2s } = decodeProtectedHeader(sealed) as Record<string, unknown>;
    assert.deepEqual([alg, enc, cty], ['PBES2-HS512+A256KW', 'A256GCM', 'jwk+json']);
    assert.ok(Number(p2c) >= 600_000);
    assert.ok(Buffer.from(String(p2s), 'base64url').length >= 16);
    assert.ok(!sealed.includes('our-secret'));
  });

  it('opens with its passphrase, and with no other', async () => {
    assert.deepEqual(JSON.parse((await openJwe(sealed, 'päss phrase')) ?? ''), jwk);
    for (const wrong of ['pass phrase', 'päss phrase ', ''])
      assert.equal(await openJwe(sealed, wrong), undefined);
  });

  it('that was changed does not open', async () => {
    const parts = sealed.split('.');
    const changed = [...parts.slice(0, 3), 'A'.repeat(parts[3]?.length ?? 0), parts[4]].join('.');
    assert.equal(await openJwe(changed, 'päss phrase'), undefined);
  });

  it('is not opened by another algorithm, nor by a count that would hold the start for minutes', async () => {
    const encrypted = (header: object, key: Uint8Array): Promise<string> =>
      new CompactEncrypt(Buffer.from('{}'))
        .setProtectedHeader({ enc: 'A256GCM', ...header } as never)
        .encrypt(key);
    const direct = await encrypted({ alg: 'dir' }, Buffer.alloc(32));
    await assert.rejects(openJwe(direct, 'x'), TypeError);
    const [, ...rest] = sealed.split('.');
    const header = { ...(decodeProtectedHeader(sealed) as object), p2c: 500_000_000 };
    const slow = [Buffer.from(JSON.stringify(header)).toString('base64url'), ...rest].join('.');
    await assert.rejects(openJwe(slow, 'päss phrase'), TypeError);
  });

  it('is told from one in clear', () => {
    assert.ok(isCompactJwe(`${sealed}\n`));
    for (const other of [JSON.stringify(jwk), 'a.b.c', '', 'a.b.c.d.']) assert.ok(!isCompactJwe(other));
  });
});
