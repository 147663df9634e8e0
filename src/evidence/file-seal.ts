import { createHmac } from 'node:crypto';

import { isSameSeal } from './same-seal.ts';

/** A file as it was when it was whole. */
export interface WholeFile {
  /** Of whose broker: each has files of its own. */
  readonly replica: string;
  /** Absolute. */
  readonly file: string;
  readonly text: string;
  /** When it was read so, milliseconds since the epoch. */
  readonly at: number;
}

/** HMAC-SHA-256, base64url: who can write to the store and has not the secrets can put no file into its place. */
export function sealFile(key: Buffer, { replica, file, text, at }: WholeFile): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(['wayleave-file', replica, file, at, text]))
    .digest('base64url');
}

export function isSealed(key: Buffer, one: WholeFile & { readonly seal: string }): boolean {
  return isSameSeal(sealFile(key, one), one.seal);
}
