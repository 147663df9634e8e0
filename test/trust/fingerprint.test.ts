import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { wordlist } from '@scure/bip39/wordlists/english.js';

import { issueAuthority } from '../../src/trust/issue.ts';
import { X509Certificate } from 'node:crypto';
import {
  certificateFingerprint,
  compareWords,
  fingerprintOf,
  groupedHex,
} from '../../src/trust/fingerprint.ts';
import { generateSigningKey } from '../../src/trust/signing-key.ts';

describe('the fingerprint of federation keys', () => {
  // RFC 8037, appendix A.3: the thumbprint of this key is kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k.
  const published = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
  const digest = createHash('sha256')
    .update('wayleave federation keys\nkPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\n')
    .digest();

  it('is SHA-256 over their thumbprints of RFC 7638', () => {
    assert.equal(fingerprintOf([published]).hex, digest.toString('hex'));
  });

  it('is said in eight words of a list of 2,048 that together are its first 88 bits', () => {
    const { words } = fingerprintOf([published]);
    assert.equal(wordlist.length, 2048);
    const bits = words.map((word) => wordlist.indexOf(word).toString(2).padStart(11, '0')).join('');
    assert.equal(BigInt(`0b${bits}`), BigInt(`0x${digest.subarray(0, 11).toString('hex')}`));
    assert.equal(words.length * 11, 88);
  });

  it('does not depend on the order of the keys, their names, or a key that stands there twice', async () => {
    const [one, two] = await Promise.all([generateSigningKey('EdDSA'), generateSigningKey('ES256')]);
    const [first, second] = [one.publicJwk, two.publicJwk];
    const { hex } = fingerprintOf([first, second]);
    assert.equal(fingerprintOf([second, { ...first, kid: 'another name' }, first]).hex, hex);
  });

  it('changes with every key that comes or goes', async () => {
    const keys = await Promise.all(
      ['EdDSA', 'ES256', 'EdDSA'].map((alg) => generateSigningKey(alg as 'EdDSA')),
    );
    const [a, b, c] = keys.map(({ publicJwk }) => publicJwk);
    assert.ok(a && b && c);
    const sets = [[a], [b], [c], [a, b], [a, c], [b, c], [a, b, c]];
    assert.equal(new Set(sets.map((set) => fingerprintOf(set).hex)).size, sets.length);
    assert.equal(new Set(sets.map((set) => fingerprintOf(set).words.join(' '))).size, sets.length);
  });

  it('is not made of no key, nor of a key whose members it does not know', () => {
    assert.throws(() => fingerprintOf([]), TypeError);
    assert.throws(() => fingerprintOf([{ kty: 'RSA' }]), TypeError);
  });

  it('of a certificate is what other tools print', async () => {
    const [notBefore, notAfter] = [new Date('2026-11-01'), new Date('2027-11-01')];
    const { certificate } = await issueAuthority({ name: 'CA', notBefore, notAfter });
    const x509 = new X509Certificate(certificate);
    const { hex } = certificateFingerprint(x509);
    assert.equal(hex.toUpperCase(), x509.fingerprint256.replaceAll(':', ''));
    assert.equal(groupedHex(hex).split(' ').length, 16);
  });
});

describe('comparing words that were read aloud', () => {
  const words = ['fog', 'expose', 'spot', 'nominee', 'tail', 'gospel', 'stage', 'royal'];
  const said = (...changed: [number, string][]): string =>
    changed.reduce<string[]>((all, [at, word]) => all.with(at, word), words).join(' ');

  it('capitals and what stands between them make no difference', () => {
    assert.deepEqual(compareWords(words, ' FOG, Expose-spot\nnominee  tail gospel; stage royal.'), {
      same: true,
    });
  });

  it('says which word is the first that differs', () => {
    assert.deepEqual(compareWords(words, said([2, 'spoon'], [5, 'zoo'])), {
      ...{ same: false, place: 3, here: 'spot', said: 'spoon' },
      isWord: true,
    });
  });

  it('tells a word that is not of the list from one that is', () => {
    assert.deepEqual(compareWords(words, said([7, 'loyal'])), {
      ...{ same: false, place: 8, here: 'royal', said: 'loyal' },
      isWord: wordlist.includes('loyal'),
    });
    const misheard = compareWords(words, said([0, 'phog']));
    assert.ok(!misheard.same && !misheard.isWord);
  });

  it('wants every word, whole, and none besides', () => {
    const short = compareWords(words, words.slice(0, 7).join(' '));
    assert.ok(!short.same && short.place === 8 && short.said === undefined);
    const long = compareWords(words, `${words.join(' ')} fog`);
    assert.ok(!long.same && long.place === 9 && long.here === undefined);
    const clipped = compareWords(words, said([1, 'expo']));
    assert.ok(!clipped.same && clipped.place === 2);
    const swapped = compareWords(words, said([0, 'expose'], [1, 'fog']));
    assert.ok(!swapped.same && swapped.place === 1);
    assert.ok(!compareWords(words, '').same);
  });
});
