import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

import forge from 'node-forge';

import { addressText } from './ip-address.ts';

const generate = promisify(generateKeyPair);

/** A certificate with its private key: PEM text with `\n` line ends, the key as PKCS#8. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate says (RFC 5280), before anybody has signed it. */
export interface CertificateProfile {
  readonly commonName: string;
  /** As a certificate has it: whole seconds, a fraction is cut off. */
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly authority: boolean;
  /** The one extended key usage; an authority has none. */
  readonly usage?: 'server' | 'client';
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
}

/**
 * Makes a fresh RSA 2048 key and a certificate for it, exactly as the profile says and without judging whether
 * the issuer may say so. Without an issuer the certificate is self-signed. The issuer's key must be RSA.
 *
 * `issue.ts` holds the profiles that a relying party should meet; use this one only to make what it must refuse.
 */
export async function signCertificate(profile: CertificateProfile, issuer?: Credential): Promise<Credential> {
  // forge's own key generation is plain JavaScript: seconds, with the event loop held.
  const { publicKey, privateKey } = await generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

  const certificate = forge.pki.createCertificate();
  certificate.serialNumber = randomSerial();
  certificate.validity.notBefore = profile.notBefore;
  certificate.validity.notAfter = profile.notAfter;
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);

  const signer = issuer ? forge.pki.certificateFromPem(issuer.certificate) : certificate;
  certificate.setSubject([distinguishedName(profile.commonName)]);
  certificate.setIssuer(issuer ? nameOf(signer) : certificate.subject.attributes);
  certificate.setExtensions(extensions(profile, signer));
  certificate.sign(forge.pki.privateKeyFromPem(issuer?.key ?? privateKey), forge.md.sha256.create());

  return { certificate: forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n'), key: privateKey };
}

/** 16 octets as hexadecimal: the first bit 0 so that DER reads it as positive, the second 1 so that none is lost. */
function randomSerial(): string {
  const octets = randomBytes(16);
  octets.writeUInt8((octets.readUInt8(0) & 0x7f) | 0x40, 0);
  return octets.toString('hex');
}

function distinguishedName(commonName: string): forge.pki.CertificateField {
  return { name: 'commonName', value: commonName, valueTagClass: UTF8 };
}

// The typings call this field a tag class; what forge reads there is the ASN.1 type.
const UTF8 = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class;

/** The name as forge wants to write it: it reads UTF-8 as bytes, and would encode it a second time. */
function nameOf(certificate: forge.pki.Certificate): forge.pki.CertificateField[] {
  return certificate.subject.attributes.map((attribute) =>
    attribute.valueTagClass === UTF8 && typeof attribute.value === 'string'
      ? { ...attribute, value: forge.util.decodeUtf8(attribute.value) }
      : attribute,
  );
}

function extensions(profile: CertificateProfile, signer: forge.pki.Certificate): object[] {
  const { authority, usage, uris = [], dns = [], ip = [] } = profile;
  const altNames = [
    ...uris.map((value) => ({ type: GENERAL_NAME.uri, value })),
    ...dns.map((value) => ({ type: GENERAL_NAME.dns, value })),
    ...ip.map((address) => ({ type: GENERAL_NAME.ip, value: addressText(address) })),
  ];
  const keyUsage = authority ? { keyCertSign: true, cRLSign: true } : { digitalSignature: true };
  return [
    authority
      ? { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 }
      : { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, ...keyUsage },
    ...(usage ? [{ name: 'extKeyUsage', [`${usage}Auth`]: true }] : []),
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: signer.generateSubjectKeyIdentifier().getBytes() },
    ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
  ];
}

/** Tags of GeneralName, RFC 5280 section 4.2.1.6. */
const GENERAL_NAME = { dns: 2, uri: 6, ip: 7 };
