/** Why a list is not believed. Closed, so that status and tests can say which check it was. */
export type CrlCode =
  | 'crl-unreadable'
  | 'crl-too-large'
  | 'crl-critical-extension'
  | 'crl-indirect'
  | 'crl-delta'
  | 'crl-partial'
  | 'crl-issuer'
  | 'crl-algorithm'
  | 'crl-signature'
  | 'crl-older';

/** A list is not believed, for the reason that its code names. */
export class CrlRefused extends Error {
  override readonly name = 'CrlRefused';
  readonly code: CrlCode;

  constructor(code: CrlCode, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}
