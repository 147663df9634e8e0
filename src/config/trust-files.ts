import { StartError } from '../errors.ts';
import { certificatesIn } from '../trust/certificates-in.ts';
import type { PublicJwk } from '../trust/entity-statement.ts';
import { jwksIn, readNamed } from './read-files.ts';

/** A file that trust rests on is not whole, and nothing stands in for it. */
export class FileCut extends StartError {}

/** What a file (absolute) held when it was whole last. */
export type LastWhole = (file: string) => string | undefined;

/**
 * Reads the public files that trust rests on. One that a crash has cut is told from one that is wrong: what it held
 * when it was whole last may stand in for it.
 */
export class TrustFiles {
  readonly #source: string;
  readonly #lastWhole: LastWhole;
  readonly #whole = new Map<string, string>();
  readonly #cut = new Set<string>();

  /** @param source the configuration file, for messages */
  constructor(source: string, lastWhole: LastWhole) {
    this.#source = source;
    this.#lastWhole = lastWhole;
  }

  /** Every file that was whole, with its text. */
  get whole(): { readonly file: string; readonly text: string }[] {
    return [...this.#whole].map(([file, text]) => ({ file, text }));
  }

  /** The files for which what they held before stands in. */
  get cut(): string[] {
    return [...this.#cut];
  }

  /** PEM certificates. @throws StartError, FileCut */
  pem(setting: string, file: string): string {
    return this.#read(setting, file, isWholePem);
  }

  /** The keys of a JWKS. @throws StartError, FileCut */
  jwks(setting: string, file: string): PublicJwk[] {
    return jwksIn(this.#source, setting, file, this.#read(setting, file, isJson));
  }

  #read(setting: string, file: string, isWhole: (text: string) => boolean): string {
    const text = readNamed(this.#source, setting, file);
    if (isWhole(text)) {
      this.#whole.set(file, text);
      return text;
    }
    const before = this.#lastWhole(file);
    if (before === undefined || !isWhole(before)) {
      throw new FileCut(
        `${this.#source}: ${setting} names ${file}, which is not what it should be, or is cut short: put it back from a copy.`,
      );
    }
    this.#cut.add(file);
    return before;
  }
}

const LINES = /-----(BEGIN|END) CERTIFICATE-----/g;

/** At least one certificate, and each to its last line (RFC 7468). */
function isWholePem(text: string): boolean {
  const lines = [...text.matchAll(LINES)].map(([, kind]) => kind);
  const inPairs = lines.every((kind, nth) => kind === (nth % 2 === 0 ? 'BEGIN' : 'END'));
  if (lines.length === 0 || lines.length % 2 !== 0 || !inPairs) return false;
  try {
    certificatesIn(text);
    return true;
  } catch {
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
