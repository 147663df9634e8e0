import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FileCut, TrustFiles } from '../../src/config/trust-files.ts';
import { StartError } from '../../src/errors.ts';
import { issue } from '../support/certificates.ts';

type Kind = 'pem' | 'statement' | 'jwks';

describe('a file that trust rests on', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wayleave-trust-files-'));
  after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'one');
  const [one, other] = ['one', 'other'].map((name) => issue({ name, ca: true }).pem);
  const jwk = issue({ name: 'key' }).certificate.publicKey.export({ format: 'jwk' });
  const whole: Readonly<Record<Kind, string>> = {
    pem: `${one}${other}`,
    statement: `eyJ0eXAiOiJ4In0.eyJ9.${'A'.repeat(86)}\n`,
    jwks: JSON.stringify({ keys: [{ ...jwk, kid: 'one', alg: 'ES256' }] }),
  };
  const read = (kind: Kind, text: string, before?: string): { found: unknown; files: TrustFiles } => {
    writeFileSync(file, text);
    const files = new TrustFiles('region.yaml', () =>
      before === undefined ? undefined : { text: before, at: 1 },
    );
    return { found: files[kind]('the.setting', file), files };
  };

  for (const kind of ['pem', 'statement', 'jwks'] as const) {
    it(`is cut wherever a ${kind} ends before its end, and what it held before stands in`, () => {
      const text = whole[kind].trimEnd();
      const good = read(kind, text).found;
      // Right after a certificate nobody can know that another one belongs there.
      const unknowable = new Set(kind === 'pem' ? [one?.trimEnd(), one] : []);
      for (let at = 0; at < text.length; at += 1) {
        const part = text.slice(0, at);
        if (unknowable.has(part)) continue;
        assert.throws(() => read(kind, part), FileCut, `${at} of ${text.length}`);
        const { found, files } = read(kind, part, text);
        assert.deepEqual([found, files.cut, files.whole], [good, [{ file, since: 1 }], []], String(at));
      }
    });

    it(`is cut where a crash left nothing of a ${kind}, or zeroes`, () => {
      for (const empty of ['', '\n', '\0\0\0\0', ' \n ']) {
        assert.throws(() => read(kind, empty), FileCut);
        assert.equal(read(kind, empty, whole[kind]).files.cut.length, 1);
      }
      assert.throws(() => read(kind, '', whole[kind].slice(0, 40)), FileCut);
    });
  }

  it('may hold text around its certificates', () => {
    const text = `Subject: CN=one\n${one}\nSubject: CN=other\n${other}`;
    const { found, files } = read('pem', text);
    assert.deepEqual([found, files.whole], [text, [{ file, text: `${one}${other}` }]]);
  });

  it('is cut where zeroes follow what is whole', () => {
    for (const kind of ['pem', 'statement', 'jwks'] as const) {
      assert.throws(() => read(kind, `${whole[kind]}\0\0\0`), FileCut);
    }
    assert.throws(() => read('pem', `${one}-----BEG\0\0`), FileCut);
  });

  it('keeps no private key that is beside a certificate', () => {
    const { pem, keyPem } = issue({ name: 'both' });
    for (const both of [pem + keyPem, keyPem + pem, pem + keyPem.slice(0, 100)]) {
      assert.deepEqual(read('pem', both).files.whole, [{ file, text: pem }]);
    }
  });

  it('is wrong, and nothing stands in, where it holds something else', () => {
    const { keyPem } = issue({ name: 'other' });
    const wrong: readonly [Kind, string][] = [
      ['pem', '# taken out'],
      ['pem', keyPem],
      ['pem', keyPem.slice(0, 60)],
      ['pem', '<html><body>-----BEGIN CERTIFICATE-----</body>'],
      ['pem', '-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n'],
      ['pem', `${one}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`],
      ['pem', `-----END CERTIFICATE-----\n${one}`],
      ['pem', '-----BEGIN CERTIFICATE-----\nsee the wiki'],
      ['pem', `<html>-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-`],
      ['jwks', 'tru'],
      ['jwks', '"end of JSON input'],
      ['jwks', '{"keys":["at position 99"]]'],
      ['statement', 'REVOKED'],
      ['statement', 'none'],
      ['statement', '-----BEGIN'],
      ['jwks', 'keys: []'],
      ['jwks', '{"keys":[]}'],
      ['jwks', '{"keys":[}'],
      ['jwks', 'null'],
      ['jwks', one ?? ''],
      ['statement', 'not a statement'],
      ['statement', `${whole.statement.trim()}.more`],
    ];
    for (const [kind, text] of wrong) {
      assert.throws(
        () => read(kind, text, whole[kind]),
        (error) => error instanceof StartError && !(error instanceof FileCut),
        text,
      );
    }
  });
});
