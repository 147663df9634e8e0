import type { DeliveryCode } from '../errors.ts';

/** What the code of a socket's error says of a delivery. */
export function connectionCode(code: string): DeliveryCode {
  if (code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENOTFOUND') return 'refused-connection';
  return isTlsCode(code) ? 'tls-failed' : 'lost-connection';
}

/** OpenSSL's verification results (Node calls those that it has no name for UNSPECIFIED) and Node's TLS errors. */
function isTlsCode(code: string): boolean {
  return /^ERR_(SSL|TLS)|CERT|^UNABLE_TO|INVALID_(PURPOSE|CA)|PATH_LENGTH|MISMATCH|^(EPROTO|UNSPECIFIED)$/.test(
    code,
  );
}
