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
  get whole(): { readonly file: string; readonly text: string }[] {
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
    const form = isUnwritten(text) ? 'cut' : formOf(text);
    if (form === 'whole') {
      this.#whole.set(file, text);
      return text;
    }
    const names = `${this.#source}: ${setting} names ${file}, which`;
    if (form === 'other') throw new StartError(`${names} is not ${wanted}: write the path of one.`);
    const before = this.#lastWholeOf(file);
    if (before === undefined || formOf(before.text) !== 'whole') {
      throw new FileCut(`${names} is cut short: put it back from a copy.`);
    }
    this.#cut.set(file, before.at);
    return before.text;
  }
}

/** `cut`: as far as it goes it is the beginning of such a file. */
type Form = 'whole' | 'cut' | 'other';

/** What a crash leaves where nothing was written yet. */
function isUnwritten(text: string): boolean {
  return /^[\0\s]*$/.test(text);
}

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
const UNENDED = /^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*(-{0,5}[A-Z ]{0,15}-{0,4})[\0\s]*$/;

/** At least one certificate, and each to its last line (RFC 7468). */
function formOfPem(text: string): Form {
  const last = text.lastIndexOf(BEGIN);
  const ended = text.indexOf(END, last);
  if (last !== -1 && ended === -1) {
    return isPem(text.slice(0, last)) && UNENDED.test(text.slice(last)) ? 'cut' : 'other';
  }
  const after = text.slice(last === -1 ? 0 : ended + END.length).trim();
  if (after !== '' && BEGIN.startsWith(after)) return 'cut';
  return last !== -1 && isPem(text) ? 'whole' : 'other';
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

function formOfJson(text: string): Form {
  try {
    JSON.parse(text);
    return 'whole';
  } catch (error) {
    const { message } = error as SyntaxError;
    const at = Number(/at position (\d+)/.exec(message)?.[1] ?? Number.NaN);
    return message.includes('end of JSON input') || at >= text.length ? 'cut' : 'other';
  }
}

/** Both algorithms of the protocol sign with 64 bytes. */
const SIGNATURE = 86;

function formOfJws(text: string): Form {
  const parts = text.trim().split('.');
  if (parts.length > 3 || !parts.every((part) => /^[\w-]*$/.test(part))) return 'other';
  const [, , signature] = parts;
  return (signature ?? '').length < SIGNATURE ? 'cut' : 'whole';
}
