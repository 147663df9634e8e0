import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';

import { StartError } from '../errors.ts';
import { publicJwk, type PublicJwk } from '../trust/entity-statement.ts';
import {
  configFile,
  directoryFile,
  type ConfigFile,
  type DirectoryFile,
  type NeighbourConfig,
  type RecordConfig,
  type ViewerConfig,
} from './schema.ts';

/** A neighbour as configured, with the files that its pin names read. */
export interface PinnedNeighbour extends NeighbourConfig {
  readonly federationKeys: readonly PublicJwk[];
  readonly anchors: readonly string[];
  readonly statementToken: string;
}

export interface RegisteredViewer extends Omit<ViewerConfig, 'keys'> {
  readonly keys: readonly PublicJwk[];
  readonly anchor: string | undefined;
}

/** The credentials with which a record is asked, as files' texts. */
export type RecordCredentials =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'mutual-tls';
      readonly certificate: string;
      readonly key: string;
      readonly anchors: string;
    }
  | {
      readonly kind: 'oauth2';
      readonly tokenEndpoint: string;
      readonly clientId: string;
      readonly key: object;
      readonly scope: string;
      readonly anchors: string | undefined;
    };

export interface ConfiguredRecord extends Omit<RecordConfig, 'auth'> {
  readonly credentials: RecordCredentials;
}

/** Checked and frozen: what the broker runs on. Private keys are in `Secrets`, apart. */
export interface Config extends Omit<
  ConfigFile,
  'viewers' | 'neighbours' | 'records' | 'directory' | 'store'
> {
  readonly viewers: readonly RegisteredViewer[];
  readonly neighbours: readonly PinnedNeighbour[];
  readonly records: readonly ConfiguredRecord[];
  readonly directory: DirectoryFile;
  /** The store's URL, `sqlite:` and an absolute path. */
  readonly store: string;
  readonly serverCertificate: string;
  readonly clientCertificate: string;
  /** Where the private keys are, absolute. */
  readonly secretsDirectory: string;
  readonly statementToken: string;
  readonly federationKeys: readonly PublicJwk[];
  /** The file this came from, for messages. */
  readonly source: string;
}

/**
 * Reads one region's configuration file and every public file that it names.
 *
 * @throws StartError a sentence with file, setting, what is wrong and what to write
 */
export function loadConfig(file: string): Config {
  const source = resolve(file);
  const raw = readConfigFile(source);
  const near = (name: string): string => resolve(dirname(source), name);
  const text = (setting: string, name: string): string => readNamed(source, setting, near(name));
  const config: Config = {
    ...raw,
    source,
    secretsDirectory: near(raw.secrets),
    serverCertificate: text('certificates.server', raw.certificates.server),
    clientCertificate: text('certificates.client', raw.certificates.client),
    statementToken: text('statement', raw.statement),
    federationKeys: jwksFrom(source, 'federation_keys', near(raw.federation_keys)),
    store: `sqlite:${near(raw.store.slice('sqlite:'.length))}`,
    directory: parseYaml(near(raw.directory), directoryFile),
    viewers: raw.viewers.map((viewer, position) => ({
      ...viewer,
      keys: viewer.keys.map((name) => jwkFrom(source, `viewers.${position}.keys`, near(name))),
      anchor:
        viewer.certificate && text(`viewers.${position}.certificate.anchors`, viewer.certificate.anchors),
    })),
    records: raw.records.map(({ auth, ...record }, position) => ({
      ...record,
      credentials: recordCredentials(auth, (setting, name) =>
        text(`records.${position}.auth.${setting}`, name),
      ),
    })),
    neighbours: raw.neighbours.map((neighbour, position) => {
      const at = `neighbours.${position}`;
      return {
        ...neighbour,
        federationKeys: jwksFrom(source, `${at}.pin.federation_keys`, near(neighbour.pin.federation_keys)),
        anchors: neighbour.pin.tls_anchors.map((name) => text(`${at}.pin.tls_anchors`, name)),
        statementToken: text(`${at}.statement`, neighbour.statement),
      };
    }),
  };
  checkTogether(config);
  return deepFreeze(config);
}

/** One region's file, checked by itself; the files that it names are not read. @throws StartError */
export function readConfigFile(file: string): ConfigFile {
  return parseYaml(resolve(file), configFile);
}

/** What one setting alone cannot show. */
function checkTogether(config: Config): void {
  const fail = (setting: string, wrong: string, write: string): never => {
    throw new StartError(`${config.source}: ${setting} ${wrong}: ${write}.`);
  };
  const records = new Set(config.records.map((record) => record.id));
  if (records.size < config.records.length)
    fail('records', 'names one id twice', 'give each record its own id');
  for (const [position, viewer] of config.viewers.entries()) {
    const unknown = viewer.own_records.find((id) => !records.has(id));
    if (unknown !== undefined) {
      fail(
        `viewers.${position}.own_records`,
        `names ${unknown}, which is no record here`,
        'write an id of records',
      );
    }
    if (viewer.binding === 'certificate' && viewer.certificate === undefined) {
      fail(`viewers.${position}.certificate`, 'is missing', 'write uri and anchors, or binding: single-use');
    }
    if (viewer.binding === 'single-use' && config.listeners.viewer_tokens === undefined) {
      fail('listeners.viewer_tokens', 'is missing', `viewer ${viewer.id} has no certificate and needs it`);
    }
  }
  const regions = config.neighbours.map((neighbour) => neighbour.region);
  if (new Set(regions).size < regions.length) {
    fail('neighbours', 'names one region twice', 'keep one entry for each region');
  }
  const known = new Set(config.directory.regions.map((region) => region.id));
  for (const region of [config.region, ...regions]) {
    if (!known.has(region))
      fail('directory', `does not have the region ${region}`, 'add it with its sub_icbs');
  }
  checkSubIcbs(config);
}

/** Each sub-ICB location belongs to one region at a time. */
function checkSubIcbs(config: Config): void {
  const spans = config.directory.regions.flatMap((region) =>
    region.sub_icbs.map((span) => ({ ...span, region: region.id })),
  );
  for (const [position, span] of spans.entries()) {
    const other = spans
      .slice(position + 1)
      .find(
        (later) =>
          later.code === span.code &&
          (later.from ?? '') <= (span.until ?? '9999') &&
          (span.from ?? '') <= (later.until ?? '9999'),
      );
    if (other !== undefined) {
      throw new StartError(
        `${config.source}: directory: sub-ICB ${span.code} lies in ${span.region} and ${other.region} ` +
          'at the same time: give one of the two a from or until that ends the overlap.',
      );
    }
  }
}

function parseYaml<Schema extends z.ZodType>(file: string, schema: Schema): z.infer<Schema> {
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

function readNamed(source: string, setting: string, file: string): string {
  try {
    statSync(file);
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

function readJson(source: string, setting: string, file: string): unknown {
  try {
    return JSON.parse(readNamed(source, setting, file));
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`${source}: ${setting} names ${file}, which is not JSON: write a JWK file.`, {
      cause: error,
    });
  }
}

function jwkFrom(source: string, setting: string, file: string): PublicJwk {
  const parsed = publicJwk.safeParse(readJson(source, setting, file));
  if (parsed.success) return parsed.data;
  throw new StartError(
    `${source}: ${setting} names ${file}, which is no public ES256 or EdDSA JWK: write one.`,
  );
}

function jwksFrom(source: string, setting: string, file: string): PublicJwk[] {
  const parsed = publicJwk
    .array()
    .min(1)
    .safeParse((readJson(source, setting, file) as { keys?: unknown }).keys);
  if (parsed.success) return parsed.data;
  throw new StartError(`${source}: ${setting} names ${file}, which is no JWKS of public keys: write one.`);
}

function recordCredentials(
  auth: RecordConfig['auth'],
  text: (setting: string, name: string) => string,
): RecordCredentials {
  switch (auth.kind) {
    case 'none':
      return { kind: 'none' };
    case 'mutual-tls':
      return {
        kind: 'mutual-tls',
        certificate: text('certificate', auth.certificate),
        key: text('key', auth.key),
        anchors: text('anchors', auth.anchors),
      };
    case 'oauth2':
      return {
        kind: 'oauth2',
        tokenEndpoint: auth.token_endpoint,
        clientId: auth.client_id,
        key: JSON.parse(text('key', auth.key)) as object,
        scope: auth.scope,
        anchors: auth.anchors === undefined ? undefined : text('anchors', auth.anchors),
      };
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
