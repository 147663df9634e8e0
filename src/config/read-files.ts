import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { z } from 'zod';

import { StartError } from '../errors.ts';
import { certificatesIn } from '../trust/certificates-in.ts';
import { publicJwk, type PublicJwk } from '../trust/entity-statement.ts';

/** Reads a YAML file of a known form. @throws StartError naming file, setting, what is wrong and what to write */
export function parseYaml<Schema extends z.ZodType>(file: string, schema: Schema): z.infer<Schema> {
  const document = parseDocument(readNamed(file, 'the file', file));
  const broken = document.errors[0];
  if (broken !== undefined) {
    const line = broken.linePos?.[0].line;
    throw new StartError(`${file}: line ${line ?? '?'} is not YAML (${broken.code}): mend the line.`);
  }
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.slice(0, 5).map((issue) => {
    const setting = issue.path.join('.') || 'the file';
    if (issue.code === 'unrecognized_keys') {
      return `${file}: ${setting}: ${issue.keys.join(', ')} is no setting: remove it or mend its name.`;
    }
    return `${file}: ${setting} is wrong: write ${wanted(issue)}.`;
  });
  throw new StartError(wrong.join('\n'));
}

function wanted(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `a value of type ${issue.expected}`;
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') return `at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}`;
  return issue.message;
}

/** The text of a file that a setting names. @throws StartError */
export function readNamed(source: string, setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const what = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new StartError(
      `${source}: ${setting} names ${file}, which ${what}: write the path of a file that this user can read` +
        `${file.includes('certs-dev') ? ', or make the development keys with `npx wayleave demo --prepare`' : ''}.`,
      { cause: error },
    );
  }
}

/** What a setting for authorities names must be certificates of authorities, and nothing but these. @throws StartError */
export function assertAuthorities(source: string, setting: string, pem: string): void {
  let good = false;
  try {
    const found = certificatesIn(pem);
    good = found.length > 0 && found.every(({ ca }) => ca);
  } catch {
    // Told below.
  }
  if (good) return;
  throw new StartError(
    `${source}: ${setting} names a file that holds no authority, or something else beside: write the path of a PEM file of authorities.`,
  );
}

function jsonIn(source: string, setting: string, file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StartError(`${source}: ${setting} names ${file}, which is not JSON: write a JWK file.`, {
      cause: error,
    });
  }
}

/** One public JWK. @throws StartError */
export function jwkFrom(source: string, setting: string, file: string): PublicJwk {
  const parsed = publicJwk.safeParse(jsonIn(source, setting, file, readNamed(source, setting, file)));
  if (parsed.success) return parsed.data;
  throw new StartError(
    `${source}: ${setting} names ${file}, which is no public ES256 or EdDSA JWK: write one.`,
  );
}

/** The keys of a JWKS. @throws StartError */
export function jwksFrom(source: string, setting: string, file: string): PublicJwk[] {
  return jwksIn(source, setting, file, readNamed(source, setting, file));
}

/** The same of a text that the file holds, or held. @throws StartError */
export function jwksIn(source: string, setting: string, file: string, text: string): PublicJwk[] {
  const parsed = publicJwk
    .array()
    .min(1)
    .safeParse((jsonIn(source, setting, file, text) as { keys?: unknown } | null)?.keys);
  if (parsed.success) return parsed.data;
  throw new StartError(`${source}: ${setting} names ${file}, which is no JWKS of public keys: write one.`);
}
