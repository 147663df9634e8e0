import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';

import type { Credential } from '../../src/trust/issue.ts';
import { issueAuthority, issueLeaf } from '../../src/trust/issue.ts';

const notBefore = new Date('2026-11-01T00:00:00Z');
const notAfter = new Date('2027-11-01T00:00:00Z');

describe('issuing certificates', () => {
  let authority: Credential;
  let leaf: Credential;
  const request = {
    commonName: 'leaf',
    uri: 'https://a.example',
    usage: 'client',
    notBefore,
    notAfter,
  } as const;

  before(async () => {
    authority = await issueAuthority({ name: 'Awdurdod Sŵn', notBefore, notAfter });
    leaf = await issueLeaf(authority, request);
  });

  it('chains by name also when the name is not ASCII', () => {
    const [issuer, issued] = [
      new X509Certificate(authority.certificate),
      new X509Certificate(leaf.certificate),
    ];
    assert.equal(issued.issuer, issuer.subject);
    assert.ok(issued.checkIssued(issuer));
  });

  it('gives every certificate a positive serial number of 16 octets, and no two the same', async () => {
    const more = await Promise.all([issueLeaf(authority, request), issueLeaf(authority, request)]);
    const serials = [authority, leaf, ...more].map(
      (each) => new X509Certificate(each.certificate).serialNumber,
    );
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
    assert.equal(new Set(serials).size, serials.length);
  });

  it('marks what a relying party must understand as critical, and signs with SHA-256', () => {
    const bytes = new X509Certificate(leaf.certificate).raw.toString('hex');
    const authorityBytes = new X509Certificate(authority.certificate).raw.toString('hex');
    const CRITICAL = '0101ff';
    assert.ok(bytes.includes(`0603551d13${CRITICAL}04023000`), 'basicConstraints: not an authority');
    assert.ok(
      authorityBytes.includes(`0603551d13${CRITICAL}040830060101ff020100`),
      'authority, path length 0',
    );
    assert.ok(bytes.includes(`0603551d0f${CRITICAL}040403020780`), 'keyUsage: digitalSignature alone');
    assert.ok(authorityBytes.includes(`0603551d0f${CRITICAL}040403020106`), 'keyUsage: keyCertSign, cRLSign');
    assert.equal(bytes.split('06092a864886f70d01010b').length - 1, 2, 'sha256WithRSAEncryption, twice');
  });

  it('points from the leaf to the key of its authority', () => {
    const hex = (pem: string) => new X509Certificate(pem).raw.toString('hex');
    const subjectKey = /0603551d0e04160414([0-9a-f]{40})/.exec(hex(authority.certificate))?.[1];
    const authorityKey = /0603551d23041830168014([0-9a-f]{40})/.exec(hex(leaf.certificate))?.[1];
    assert.ok(subjectKey);
    assert.equal(authorityKey, subjectKey);
  });

  it('uses PEM with plain line ends and PKCS#8', () => {
    for (const { certificate, key } of [authority, leaf]) {
      assert.ok(!certificate.includes('\r') && certificate.endsWith('-----END CERTIFICATE-----\n'));
      assert.ok(key.startsWith('-----BEGIN PRIVATE KEY-----\n'));
    }
  });

  it('does not issue from a leaf, nor for longer than the authority lasts', async () => {
    await assert.rejects(issueLeaf(leaf, request), TypeError);
    const tooLong = { ...request, notAfter: new Date(notAfter.getTime() + 1000) };
    await assert.rejects(issueLeaf(authority, tooLong), TypeError);
  });
});
