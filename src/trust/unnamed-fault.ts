import type { RequestCode } from '../errors.ts';
import { factsOf } from './certificate-facts.ts';
import { NotDer } from './der.ts';
import type { PeerCertificate } from './peer-certificate.ts';

/** Node's word for each of OpenSSL's verdicts that it has no name for. */
export const UNNAMED = 'UNSPECIFIED';

/** OpenSSL's texts for those verdicts of a certificate that have a code here (X509_verify_cert_error_string). */
const TEXTS: Readonly<Record<string, RequestCode>> = {
  'EE certificate key too weak': 'certificate-weak-key',
  'CA certificate key too weak': 'certificate-weak-key',
  'CA signature digest algorithm too weak': 'certificate-weak-signature',
  'unhandled critical extension': 'certificate-chain',
  'permitted subtree violation': 'certificate-chain',
  'excluded subtree violation': 'certificate-chain',
  'key usage does not include certificate signing': 'certificate-chain',
};

/** What OpenSSL's text for an unnamed verdict says, where there is one: at the end that connects. */
export function faultOfText(text: string): RequestCode | undefined {
  return TEXTS[text];
}

/** What a certificate that was refused by an unnamed verdict has wrong: at the end that listens, which gets no text. */
export function faultOfRefused(peer: PeerCertificate | undefined): RequestCode | undefined {
  if (peer === undefined) return undefined;
  try {
    const all = [peer.leaf, ...peer.issuers].map(factsOf);
    if (all.some(({ strongKey }) => !strongKey)) return 'certificate-weak-key';
    if (all.some(({ strongSignature }) => !strongSignature)) return 'certificate-weak-signature';
    const limited = all.some(
      ({ understood, nameConstraints }) => !understood || nameConstraints !== undefined,
    );
    return limited || peer.issuers.some(({ ca }) => !ca) ? 'certificate-chain' : undefined;
  } catch (error) {
    if (error instanceof NotDer) return 'certificate-chain';
    throw error;
  }
}
