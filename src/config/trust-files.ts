import { StartError } from '../errors.ts';
import { certificatesIn } from '../trust/certificates-in.ts';
import type { PublicJwk } from '../trust/entity-statement.ts';
import { jwksIn, readNamed } from './read-files.ts';

/** A file that trust rests on is not whole, and nothing stands in for it. */
export class FileCut extends StartError {}

/** What a file (absolute) held when it was whole last. */
export interface LastWhole {
  readonly text: string;
  /** When a broker read it so, milliseconds since the epoch. */
  readonly at: number;
}
export type LastWholeOf = (file: string) => LastWhole | undefined;

/** A file (absolute) as it is, where it is whole: what is public of it. */
export interface WholeFile {
  readonly file: string;
  readonly text: string;
}

/** A file for which what it held before stands in. */
export interface CutFile {
  readonly file: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/**
 * Reads the public files that trust rests on. One that a crash has cut is told from one that is wrong: what it held
 * when it was whole last may stand in for it.
 */
export class TrustFiles {
  readonly #source: string;
  readonly #lastWholeOf: LastWholeOf;
  readonly #whole = new Map<string, string>();
  readonly #cut = new Map<string, number>();

  /** @param source the configuration file, for messages */
  constructor(source: string, lastWholeOf: LastWholeOf) {
    this.#source = source;
    this.#lastWholeOf = lastWholeOf;
  }

  /** Every file that was whole, with its text. */
  get whole(): WholeFile[] {
    return [...this.#whole].map(([file, text]) => ({ file, text }));
  }

  /** The files for which what they held before stands in. */
  get cut(): CutFile[] {
    return [...this.#cut].map(([file, since]) => ({ file, since }));
  }

  /** PEM certificates. @throws StartError, FileCut */
  pem(setting: string, file: string): string {
    return this.#read(setting, file, formOfPem, 'a PEM file of certificates');
  }

  /** An entity statement (JWS, compact). @throws StartError, FileCut */
  statement(setting: string, file: string): string {
    return this.#read(setting, file, formOfJws, 'an entity statement');
  }

  /** The keys of a JWKS. @throws StartError, FileCut */
  jwks(setting: string, file: string): PublicJwk[] {
    const text = this.#read(setting, file, formOfJson, 'a JWKS');
    return jwksIn(this.#source, setting, file, text);
  }

  #read(setting: string, file: string, formOf: (text: string) => Form, wanted: string): string {
    const text = readNamed(this.#source, setting, file);
    const { form, whole = text } = judged(text, formOf);
    if (form === 'whole') {
      this.#whole.set(file, whole);
      return text;
    }
    const names = `${this.#source}: ${setting} names ${file}, which`;
    if (form === 'other') throw new StartError(`${names} is not ${wanted}: write the path of one.`);
    const before = this.#lastWholeOf(file);
    if (before === undefined || judged(before.text, formOf).form !== 'whole') {
      throw new FileCut(`${names} is cut short: put it back from a copy.`);
    }
    this.#cut.set(file, before.at);
    return before.text;
  }
}

/** `cut`: as far as it goes it is the beginning of such a file. */
interface Judged {
  readonly form: 'whole' | 'cut' | 'other';
  /** What is public of it and is to be kept, where that is not all. */
  readonly whole?: string;
}
type Form = Judged | Judged['form'];

/** A crash may leave a file empty, or with zeroes where nothing was written yet. */
function judged(text: string, formOf: (text: string) => Form): Judged {
  const written = text.replace(/\0+\s*$/, '');
  if (written.trim() === '') return { form: 'cut' };
  const found = formOf(written);
  const { form, ...more } = typeof found === 'string' ? { form: found } : found;
  return { form: form === 'whole' && written !== text ? 'cut' : form, ...more };
}

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** A certificate is a SEQUENCE of more than 255 octets (X.690), which base64 begins with MI. */
const UNENDED = /^-----BEGIN CERTIFICATE-----\s*(M|MI[A-Za-z0-9+/=\s]*)?(-{0,5}[A-Z ]{0,15}-{0,4})$/;

/** At least one certificate, and each to its last line (RFC 7468). Nothing but the certificates is kept: a key may be beside. */
function formOfPem(text: string): Form {
  const last = text.lastIndexOf(BEGIN);
  const ended = text.indexOf(END, last);
  if (last !== -1 && ended === -1) {
    const before = text.slice(0, last);
    const isBegun = UNENDED.test(text.slice(last).trimEnd());
    return isBegun && (isPem(before) || !before.includes(BEGIN)) ? 'cut' : 'other';
  }
  const after = text.slice(last === -1 ? 0 : ended + END.length).trim();
  const isWhole = last !== -1 && isPem(text);
  if (after !== '' && BEGIN.startsWith(after)) return last === -1 || isWhole ? 'cut' : 'other';
  return isWhole ? { form: 'whole', whole: `${(text.match(BLOCK) ?? []).join('\n')}\n` } : 'other';
}

/** Whether all that is begun in it is ended, and can be read. */
function isPem(text: string): boolean {
  if (text.replaceAll(BLOCK, '').includes('CERTIFICATE-----')) return false;
  try {
    certificatesIn(text);
    return true;
  } catch {
    return false;
  }
}

/** An object that is not closed yet: nothing in it is closed that was not opened. */
function formOfJson(text: string): Form {
  try {
    JSON.parse(text);
    return 'whole';
  } catch {
    // Whether it is cut is told below.
  }
  if (!text.trimStart().startsWith('{')) return 'other';
  const open: string[] = [];
  for (const [token] of text.replaceAll(/\\./gs, '..').matchAll(/"[^"]*"?|[{}[\]]/g)) {
    if (token === '{' || token === '[') open.push(token === '{' ? '}' : ']');
    else if (token.startsWith('"')) {
      if (token.length === 1 || !token.endsWith('"')) return 'cut';
    } else if (open.pop() !== token) return 'other';
  }
  return open.length > 0 ? 'cut' : 'other';
}

/** Both algorithms of the protocol sign with 64 bytes. */
const SIGNATURE = 86;

/** A header begins with `{"`, which base64url begins with eyJ. */
function formOfJws(text: string): Form {
  const parts = text.trim().split('.');
  const isBegun = text.trim().startsWith('eyJ') || 'eyJ'.startsWith(text.trim());
  if (!isBegun || parts.length > 3 || !parts.every((part) => /^[\w-]*$/.test(part))) return 'other';
  const [, , signature] = parts;
  return (signature ?? '').length < SIGNATURE ? 'cut' : 'whole';
}
