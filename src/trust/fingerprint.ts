import { hash, type X509Certificate } from 'node:crypto';

import { wordlist } from '@scure/bip39/wordlists/english.js';

import { jwkThumbprint, type ThumbprintMembers } from './jwk-thumbprint.ts';

/** What two people compare, on the screen or over the telephone. */
export interface Fingerprint {
  /** SHA-256, 64 lower-case hexadecimal digits. */
  readonly hex: string;
  /** Its first 88 bits as eight words of 11 bits each, of the English list of BIP-39 (2,048 words). */
  readonly words: readonly string[];
}

const WORDS = 8;
const BITS_PER_WORD = 11;

/** Parts the domain from any other SHA-256 of the same thumbprints. */
const FEDERATION_KEYS = 'wayleave federation keys';

/**
 * The fingerprint of a region's federation keys: SHA-256 over a fixed line and the keys' RFC 7638 thumbprints, sorted,
 * a line each. It changes with every key that comes or goes, and not with the order or the names of the keys.
 */
export function fingerprintOf(federationKeys: readonly ThumbprintMembers[]): Fingerprint {
  const thumbprints = [...new Set(federationKeys.map(jwkThumbprint))].sort();
  if (thumbprints.length === 0) throw new TypeError('a fingerprint needs a key');
  return asFingerprint([FEDERATION_KEYS, ...thumbprints].map((line) => `${line}\n`).join(''));
}

/** The fingerprint of a certificate: SHA-256 of its DER, as other tools print it in hexadecimal. */
export function certificateFingerprint({ raw }: Pick<X509Certificate, 'raw'>): Fingerprint {
  return asFingerprint(raw);
}

function asFingerprint(data: string | Buffer): Fingerprint {
  const digest = hash('sha256', data, 'buffer');
  return { hex: digest.toString('hex'), words: wordsOf(digest) };
}

function wordsOf(digest: Buffer): string[] {
  const bits = BigInt(`0x${digest.subarray(0, (WORDS * BITS_PER_WORD) / 8).toString('hex')}`);
  const mask = (1n << BigInt(BITS_PER_WORD)) - 1n;
  return Array.from({ length: WORDS }, (_, place) => {
    const shift = BigInt(BITS_PER_WORD * (WORDS - 1 - place));
    return wordlist[Number((bits >> shift) & mask)] ?? '';
  });
}

/** Hexadecimal in groups of four, for the eye. */
export function groupedHex(hex: string): string {
  return hex.match(/.{1,4}/g)?.join(' ') ?? '';
}

/** The first place where two readings part; places count from 1. A word that is missing is undefined. */
export type WordsCompared =
  | { readonly same: true }
  | {
      readonly same: false;
      readonly place: number;
      readonly here: string | undefined;
      readonly said: string | undefined;
      /** False when what was said is no word of the list: misheard rather than another key. */
      readonly isWord: boolean;
    };

/**
 * Compares a fingerprint's words with what somebody read aloud. Capitals, and whatever stands between the words, make no
 * difference; every word must be there, whole and in its place.
 */
export function compareWords(words: readonly string[], said: string): WordsCompared {
  const heard = said
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
  for (let at = 0; at < Math.max(words.length, heard.length); at += 1) {
    const [here, there] = [words[at], heard[at]];
    if (here === there) continue;
    const isWord = there !== undefined && wordlist.includes(there);
    return { same: false, place: at + 1, here, said: there, isWord };
  }
  return { same: true };
}
