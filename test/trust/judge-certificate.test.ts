import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';

import { judgeCertificate } from '../../src/trust/judge-certificate.ts';
import { thumbprintOf, uriNames, type PeerCertificate } from '../../src/trust/peer-certificate.ts';
import { made, type Made, type Wanted } from '../support/made-certificate.ts';

const LONDON = 'https://london.wayleave.example';

describe('judging a certificate, where the handshake has let it pass', () => {
  const root = made({ name: 'Root', authority: true });
  const leaf = (change: Partial<Wanted> = {}): Made =>
    made({ name: 'leaf', by: root, usages: ['client'], uris: [LONDON], ...change });
  const between = (change: Partial<Wanted> = {}): Made =>
    made({ name: 'Issuing', by: root, authority: true, ...change });
  const below = (...chain: [Made, ...Made[]]): [Made, ...Made[]] => [leaf({ by: chain[0] }), ...chain];
  const weakRoot = made({ name: 'Weak Root', authority: true, key: 'rsa-1024' });
  const oldSignature = made({ name: 'Old Root', authority: true, key: 'rsa-2048', hash: 'sha1' });
  const limited = (permitted: NonNullable<Wanted['permitted']>): Made => between({ permitted });

  const rows: Record<
    string,
    readonly [chain: readonly [Made, ...Made[]], fault: string | undefined, anchor?: Made]
  > = {
    'a good leaf': [[leaf()], undefined],
    'a weak key': [[leaf({ key: 'rsa-1024' })], 'certificate-weak-key: leaf'],
    'a curve of no standard for this': [[leaf({ key: 'secp256k1' })], 'certificate-weak-key: leaf'],
    'an issuer with a weak key': [below(between({ key: 'rsa-1024' })), 'certificate-weak-key: issuer'],
    'an anchor with a weak key': [[leaf({ by: weakRoot })], 'certificate-weak-key: anchor', weakRoot],
    'a weak signature': [[leaf({ hash: 'sha1' })], 'certificate-weak-signature: leaf'],
    'a weak signature over an issuer': [
      below(between({ hash: 'sha1' })),
      'certificate-weak-signature: issuer',
    ],
    'an anchor that signed itself weakly': [[leaf({ by: oldSignature })], undefined, oldSignature],
    'an extension that nobody knows': [[leaf({ strange: true })], 'certificate-chain: leaf'],
    'such an extension of an issuer': [below(between({ strange: true })), 'certificate-chain: issuer'],
    expired: [[leaf({ until: -1 })], 'certificate-expired: leaf'],
    'not valid yet': [[leaf({ from: 600 })], 'certificate-not-yet-valid: leaf'],
    'an issuer that has expired': [below(between({ until: -1 })), 'certificate-expired: issuer'],
    'an issuer that is not valid yet': [below(between({ from: 600 })), 'certificate-not-yet-valid: issuer'],
    'an issuer for other uses': [below(between({ usages: ['server'] })), 'certificate-usage: issuer'],
    'an issuer for this use': [below(between({ usages: ['server', 'client'] })), undefined],
    'the other use': [[leaf({ usages: ['server'] })], 'certificate-usage: leaf'],
    'an issuer that may have no issuer below it': [
      (() => {
        const upper = between({ name: 'Upper', authority: { below: 0 } });
        return below(between({ by: upper }), upper);
      })(),
      'certificate-chain: issuer',
    ],
    'an issuer that may not issue': [below(between({ keyUsage: 0x02 })), 'certificate-chain: anchor'],
    'an issuer for the URI’s hosts': [below(limited({ uri: '.wayleave.example' })), undefined],
    'an issuer for the one host of the URI': [below(limited({ uri: 'london.wayleave.example' })), undefined],
    'an issuer for hosts below the URI’s': [
      below(limited({ uri: '.london.wayleave.example' })),
      'certificate-chain: issuer',
    ],
    'an issuer for other URIs': [below(limited({ uri: '.kent.example' })), 'certificate-chain: issuer'],
    'an issuer for some host names, of a leaf without any': [
      below(limited({ dns: 'kent.example' })),
      undefined,
    ],
    'an issuer for other host names': [
      (() => {
        const narrow = limited({ dns: 'kent.example' });
        return [leaf({ by: narrow, dns: ['shcr.london.example'] }), narrow] as const;
      })(),
      'certificate-chain: issuer',
    ],
    'an issuer for that host name': [
      (() => {
        const narrow = limited({ dns: 'london.example' });
        return [leaf({ by: narrow, dns: ['shcr.london.example'] }), narrow] as const;
      })(),
      undefined,
    ],
    'more issuers than anybody needs': [
      (() => {
        const chain: Made[] = [];
        for (let depth = 0; depth < 4; depth += 1) {
          chain.unshift(
            between({ name: `Depth ${depth}`, ...(chain[0] === undefined ? {} : { by: chain[0] }) }),
          );
        }
        return below(...(chain as [Made, ...Made[]]));
      })(),
      'certificate-chain: anchor',
    ],
  };
  for (const [what, [chain, fault, anchor = root]] of Object.entries(rows)) {
    it(`${what}: ${fault ?? 'passes'}`, () => {
      assert.equal(faultOf(chain, [anchor.x509]), fault);
    });
  }

  it('takes whichever path is good, and tells the first fault where none is', () => {
    const names = { name: 'Crossed', authority: true } as const;
    const good = made({ ...names, by: root });
    const spoilt = made({ ...names, by: root, sameKeyAs: good, until: -1 });
    const one = leaf({ by: good });
    assert.equal(faultOf([one, spoilt, good], [root.x509]), undefined);
    assert.equal(faultOf([one, spoilt], [root.x509]), 'certificate-expired: issuer');
    const renewed = made({ name: 'Root', authority: true, sameKeyAs: root, until: -1 });
    assert.equal(faultOf([leaf()], [renewed.x509, root.x509]), undefined);
    assert.equal(faultOf([leaf()], [renewed.x509]), 'certificate-expired: anchor');
  });

  it('is not taken in by an issuer of the right name with another key', () => {
    const namesake = made({ name: 'Root', authority: true });
    assert.equal(faultOf([leaf({ by: namesake })], [root.x509]), 'certificate-chain: anchor');
    assert.equal(faultOf([leaf({ by: namesake }), namesake], [root.x509]), 'certificate-chain: anchor');
  });

  it('costs a request little: signatures are computed once for a connection', () => {
    const peer = peerOf(below(between({ key: 'rsa-2048' })));
    const judge = (): void => judgeCertificate(peer, [root.x509], 'client', Date.now());
    judge();
    const from = performance.now();
    for (let count = 0; count < 2_000; count += 1) judge();
    const each = (performance.now() - from) / 2_000;
    assert.ok(each < 0.1, `${each} ms`);
  });

  function faultOf(
    chain: readonly [Made, ...Made[]],
    anchors: readonly X509Certificate[],
  ): string | undefined {
    try {
      judgeCertificate(peerOf(chain), anchors, 'client', Date.now());
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  function peerOf([first, ...issuers]: readonly [Made, ...Made[]]): PeerCertificate {
    return {
      leaf: first.x509,
      issuers: issuers.map(({ x509 }) => x509),
      thumbprint: thumbprintOf(first.x509),
      uris: uriNames(first.x509.subjectAltName),
    };
  }
});
