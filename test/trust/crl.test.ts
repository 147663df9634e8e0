import fc from 'fast-check';
import assert from 'node:assert/strict';

import { assertNotOlder, believeCrl, MOST_CRL_BYTES } from '../../src/trust/crl.ts';
import { made, type Made } from '../support/made-certificate.ts';
import { asPem, madeCrl, OTHER_KINDS } from '../support/made-crl.ts';
import { name } from '../support/made-der.ts';

describe('a revocation list', () => {
  const authority = made({ name: 'London CA', authority: true });
  const namesake = made({ name: 'London CA', authority: true });
  const other = made({ name: 'Essex CA', authority: true });
  const leaf = made({ name: 'leaf', by: authority });
  const refused = (bytes: Buffer, code: string, by: readonly Made[] = [authority]): void =>
    assert.throws(
      () =>
        believeCrl(
          bytes,
          by.map(({ x509 }) => x509),
        ),
      { name: 'CrlRefused', code },
    );

  for (const key of ['rsa-2048', 'p256', 'p384', 'ed25519'] as const) {
    it(`is believed from an authority with a ${key} key, as DER and as PEM`, () => {
      const by = made({ name: 'Any CA', authority: true, key });
      const one = made({ name: 'one', by });
      const bytes = madeCrl({ by, revoked: [one.x509], number: 7 });
      for (const form of [
        bytes,
        Buffer.from(asPem(bytes)),
        Buffer.from(asPem(bytes).replaceAll('\n', '\r\n')),
      ]) {
        const list = believeCrl(form, [other.x509, by.x509]);
        assert.equal(list.number, 7n);
        assert.deepEqual([...list.revoked.keys()], [one.x509.serialNumber.toLowerCase()]);
        assert.equal([...list.revoked.values()][0]?.reason, 1);
        assert.equal(list.nextUpdate - list.thisUpdate, 25 * 3_600_000);
      }
    });
  }

  it('may have no entries, no number, and extensions that need not be known', () => {
    const list = believeCrl(
      madeCrl({ by: authority, number: 'none', extensions: [OTHER_KINDS.strangeBeside] }),
      [authority.x509],
    );
    assert.deepEqual([list.number, list.revoked.size], [undefined, 0]);
  });

  const WRONG: Record<string, [Buffer, string]> = {
    'of another issuer': [madeCrl({ by: other }), 'crl-issuer'],
    'of an authority of the same name with another key': [madeCrl({ by: namesake }), 'crl-signature'],
    'in its name, signed by another': [madeCrl({ by: authority, signedBy: leaf }), 'crl-signature'],
    'signed by it in another name': [
      madeCrl({ by: { subject: name('Kent CA'), privateKey: authority.privateKey } }),
      'crl-issuer',
    ],
    'signed over SHA-1': [madeCrl({ by: authority, hash: 'sha1' }), 'crl-algorithm'],
    'that is a delta': [madeCrl({ by: authority, extensions: [OTHER_KINDS.delta] }), 'crl-delta'],
    'that is indirect': [madeCrl({ by: authority, extensions: [OTHER_KINDS.indirect] }), 'crl-indirect'],
    'with an entry of another issuer': [
      madeCrl({ by: authority, revoked: [leaf.x509], entryExtensions: [OTHER_KINDS.foreignEntry] }),
      'crl-indirect',
    ],
    'of some certificates only': [
      madeCrl({ by: authority, extensions: [OTHER_KINDS.partial] }),
      'crl-partial',
    ],
    'with a critical extension that nobody knows': [
      madeCrl({ by: authority, extensions: [OTHER_KINDS.strange] }),
      'crl-critical-extension',
    ],
    'with such an extension of an entry': [
      madeCrl({ by: authority, revoked: [leaf.x509], entryExtensions: [OTHER_KINDS.strange] }),
      'crl-critical-extension',
    ],
    'without a next update': [madeCrl({ by: authority, until: 'none' }), 'crl-unreadable'],
    'with something after it': [
      Buffer.concat([madeCrl({ by: authority }), Buffer.from([0])]),
      'crl-unreadable',
    ],
    'cut short': [madeCrl({ by: authority }).subarray(0, -1), 'crl-unreadable'],
    'that is a certificate': [authority.x509.raw, 'crl-unreadable'],
    'that is a page of HTML': [Buffer.from('<html>not found</html>'), 'crl-unreadable'],
    'that is empty': [Buffer.alloc(0), 'crl-unreadable'],
    'twice in one PEM file': [Buffer.from(asPem(madeCrl({ by: authority })).repeat(2)), 'crl-unreadable'],
    'larger than ten mebibytes': [Buffer.alloc(MOST_CRL_BYTES + 1, 0x30), 'crl-too-large'],
  };
  for (const [what, [bytes, code]] of Object.entries(WRONG)) {
    it(`is refused: one ${what}`, () => refused(bytes, code));
  }

  it('is refused from who may not sign lists, or is no authority', () => {
    const mayNot = made({ name: 'London CA', authority: true, keyUsage: 0x04 });
    refused(madeCrl({ by: mayNot }), 'crl-signature', [mayNot]);
    const none = made({ name: 'London CA', keyUsage: 0x82 });
    refused(madeCrl({ by: none }), 'crl-signature', [none]);
    const weak = made({ name: 'London CA', authority: true, key: 'rsa-1024' });
    refused(madeCrl({ by: weak }), 'crl-signature', [weak]);
  });

  it('is refused with any one octet of what is signed changed', () => {
    const bytes = madeCrl({ by: authority, revoked: [leaf.x509] });
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x01, at);
      assert.throws(() => believeCrl(changed, [authority.x509]), { name: 'CrlRefused' }, `octet ${at}`);
    }
  });

  it('is refused whatever bytes are offered in its place, with a code', () => {
    const good = madeCrl({ by: authority, revoked: [leaf.x509] });
    const spliced = fc
      .tuple(fc.nat(good.length), fc.nat(good.length), fc.uint8Array({ maxLength: 40 }))
      .map(([from, to, bytes]) => Buffer.concat([good.subarray(0, from), bytes, good.subarray(to)]))
      .filter((bytes) => !bytes.equals(good));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), spliced), (bytes) => {
        assert.throws(() => believeCrl(Buffer.from(bytes), [authority.x509]), { name: 'CrlRefused' });
      }),
      { numRuns: 500 },
    );
  });

  it('does not give way to one with a lower number, or of an earlier time', () => {
    const list = (number: number | 'none', from: number) =>
      believeCrl(madeCrl({ by: authority, number, from }), [authority.x509]);
    const held = list(7, -60);
    for (const older of [list(6, -60), list(6, -30), list(7, -90), list(8, -90), list('none', -90)]) {
      assert.throws(() => assertNotOlder(older, held), { code: 'crl-older' });
    }
    for (const newer of [list(7, -60), list(8, -60), list(8, -30), list('none', -30)])
      assertNotOlder(newer, held);
  });
});
