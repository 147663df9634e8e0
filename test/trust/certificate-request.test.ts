import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify, type KeyObject } from 'node:crypto';

import forge from 'node-forge';

import { MaterialError } from '../../src/errors.ts';
import { certificateRequest, type CertificateWish } from '../../src/trust/certificate-request.ts';
import { ecKey, rsaKey } from '../support/certificates.ts';

const wish: CertificateWish = {
  ...{ commonName: 'broker.example.nhs.uk', uri: 'https://gm.wayleave.example' },
  ...{
    dns: ['broker.example.nhs.uk', 'two.example.nhs.uk'],
    ips: ['10.1.2.3', '2001:db8::1'],
    usage: 'server',
  },
};

/** forge would read a signature that looks like ASN.1 as that; its typings do not know the option. */
const AS_IT_IS = { decodeBitStrings: false } as unknown as boolean;

/** The parts of a CertificationRequest (RFC 2986) as another reader of ASN.1 finds them. */
function parts(pem: string): { info: Buffer; signature: Buffer; spki: Buffer; text: string } {
  const body = Buffer.from(pem.replaceAll(/-----.*-----|\s/g, ''), 'base64');
  const outer = forge.asn1.fromDer(body.toString('latin1'), AS_IT_IS).value as forge.asn1.Asn1[];
  const bytes = (node: forge.asn1.Asn1 | undefined): Buffer =>
    Buffer.from(forge.asn1.toDer(node as forge.asn1.Asn1).getBytes(), 'latin1');
  const fields = (outer[0]?.value ?? []) as forge.asn1.Asn1[];
  const signature = Buffer.from(outer[2]?.value as unknown as string, 'latin1').subarray(1);
  return { info: bytes(outer[0]), signature, spki: bytes(fields[2]), text: body.toString('hex') };
}

describe('a certification request', () => {
  const KEYS: Record<string, [() => KeyObject, string]> = {
    'RSA 2048': [() => rsaKey(), 'sha256'],
    'EC P-256': [() => ecKey(), 'sha256'],
    'EC P-384': [() => ecKey('P-384'), 'sha384'],
  };
  for (const [name, [make, digest]] of Object.entries(KEYS)) {
    it(`for an ${name} key is signed by it and carries its public half`, () => {
      const key = make();
      const { info, signature, spki } = parts(certificateRequest(key, wish));
      assert.ok(spki.equals(createPublicKey(key).export({ format: 'der', type: 'spki' })));
      assert.ok(verify(digest, info, createPublicKey(key), signature));
      assert.ok(!verify(digest, Buffer.concat([info, Buffer.of(0)]), createPublicKey(key), signature));
    });
  }

  it('asks for our identifier as a URI, the host names, and the usage of the role', () => {
    const request = forge.pki.certificationRequestFromPem(certificateRequest(rsaKey(), wish));
    assert.ok(request.verify());
    const { extensions = [] } = request.getAttribute({ name: 'extensionRequest' }) as {
      extensions?: { name: string; altNames?: object[]; serverAuth?: boolean; clientAuth?: boolean }[];
    };
    const named = new Map(extensions.map((one) => [one.name, one]));
    assert.deepEqual(named.get('subjectAltName')?.altNames, [
      { type: 6, value: 'https://gm.wayleave.example' },
      { type: 2, value: 'broker.example.nhs.uk' },
      { type: 2, value: 'two.example.nhs.uk' },
      { type: 7, value: '\x0a\x01\x02\x03', ip: '10.1.2.3' },
      { type: 7, value: forge.util.hexToBytes('20010db8000000000000000000000001'), ip: '2001:db8::1' },
    ]);
    assert.deepEqual(
      [named.get('extKeyUsage')?.serverAuth, named.get('extKeyUsage')?.clientAuth],
      [true, undefined],
    );
    const { value } = request.subject.getField('CN') as { value: unknown };
    assert.equal(value, 'broker.example.nhs.uk');
  });

  it('of a client asks for clientAuth alone', () => {
    const { text } = parts(certificateRequest(ecKey(), { ...wish, usage: 'client' }));
    assert.ok(text.includes('2b06010505070302') && !text.includes('2b06010505070301'));
  });

  const WEAK: Record<string, () => KeyObject> = {
    'RSA 1024': () => rsaKey(1024),
    'RSA 2047': () => rsaKey(2047),
    'EC secp256k1': () => ecKey('secp256k1'),
    'EC P-521': () => ecKey('P-521'),
    Ed25519: () => generateKeyPairSync('ed25519').privateKey,
    'RSA-PSS': () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
  };
  for (const [name, make] of Object.entries(WEAK)) {
    it(`is not made for a key of ${name}`, () => {
      assert.throws(
        () => certificateRequest(make(), wish),
        (error) => error instanceof MaterialError && error.code === 'weak-key',
      );
    });
  }

  for (const ip of ['10.1.2', '10.1.2.3/8', 'localhost', 'fe80::1%eth0', '']) {
    it(`is not made for the address ${JSON.stringify(ip)}`, () => {
      assert.throws(
        () => certificateRequest(ecKey(), { ...wish, ips: [ip] }),
        (error) => error instanceof MaterialError && error.code === 'bad-name',
      );
    });
  }

  for (const name of [
    '*.example.nhs.uk',
    'a b.example',
    '',
    'x..y',
    '-a.example',
    `${'a'.repeat(64)}.example`,
  ]) {
    it(`is not made for the host name ${JSON.stringify(name)}`, () => {
      assert.throws(
        () => certificateRequest(ecKey(), { ...wish, dns: [name] }),
        (error) => error instanceof MaterialError && error.code === 'bad-name',
      );
    });
  }
});
