import { randomUUID } from 'node:crypto';

/** Digits of the time: 48 bits, milliseconds since the epoch. */
const TIME_DIGITS = 12;

/**
 * An identifier that nobody can guess, and that sorts behind those made before: a UUID of version 7 (RFC 9562, 5.7),
 * the time and 74 random bits. In an index such identifiers stand together, where random ones touch a page each.
 *
 * @param now milliseconds since the epoch; told to whoever sees the identifier
 */
export function orderedId(now: number): string {
  const time = Math.floor(now).toString(16).padStart(TIME_DIGITS, '0');
  // Of version 4 all is random but the version, in digit 13, and the variant, which both versions share.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
