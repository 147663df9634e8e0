import { X509Certificate } from 'node:crypto';

const DAY_MS = 86_400_000;

/** How long a certificate has left: `daysLeft` is negative once it has ended. */
export interface CertificateLife {
  readonly name: string;
  /** ISO instant. */
  readonly validUntil: string;
  readonly daysLeft: number;
}

export function certificateLife(name: string, pem: string, at: number): CertificateLife {
  const until = new X509Certificate(pem).validToDate;
  return { name, validUntil: until.toISOString(), daysLeft: Math.floor((until.getTime() - at) / DAY_MS) };
}
