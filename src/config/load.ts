import { dirname, resolve } from 'node:path';

import { StartError } from '../errors.ts';
import type { PublicJwk } from '../trust/entity-statement.ts';
import type { Decided } from '../trust/neighbours.ts';
import { registeredAdmins, type RegisteredAdmin } from './admins.ts';
import { clientKey } from './auth-forms.ts';
import { configuredCareLocations, type ConfiguredCareLocations } from './care-locations.ts';
import { configuredStreams, type ConfiguredStream } from './audit-streams.ts';
import { configuredCrl, type ConfiguredCrl } from './crl-form.ts';
import { checkTogether } from './check-together.ts';
import { joinedDirectory } from './joined-directory.ts';
import { configuredNotices, type ConfiguredNotices } from './notices.ts';
import { jwkFrom, parseYaml, readNamed } from './read-files.ts';
import { configuredTracing, type ConfiguredTracing } from './trace-export.ts';
import { TrustFiles, type CutFile, type LastWholeOf, type WholeFile } from './trust-files.ts';
import {
  configFile,
  directoryFile,
  type ConfigFile,
  type DemographicsConfig,
  type DirectoryFile,
  type NeighbourConfig,
  type RecordConfig,
  type ViewerConfig,
} from './schema.ts';

/** A neighbour as configured, with the files that its pin names read. */
export interface PinnedNeighbour extends Omit<NeighbourConfig, 'pin' | 'statement' | 'crl'> {
  readonly crl: ConfiguredCrl | undefined;
  readonly federationKeys: readonly PublicJwk[];
  readonly anchors: readonly string[];
  readonly statementToken: string;
  /** What admins have decided since; absent for what the file alone says. */
  readonly decided?: Decided;
}

export interface RegisteredViewer extends Omit<ViewerConfig, 'keys'> {
  readonly keys: readonly PublicJwk[];
  readonly anchor: string | undefined;
}

export interface OAuth2Credentials {
  readonly kind: 'oauth2';
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly key: object;
  readonly scope: string | undefined;
  readonly anchors: string | undefined;
}

interface NoCredentials {
  readonly kind: 'none';
}

/** The credentials with which a record is asked, as files' texts. */
export type RecordCredentials =
  | NoCredentials
  | OAuth2Credentials
  | {
      readonly kind: 'mutual-tls';
      readonly certificate: string;
      readonly key: string;
      readonly anchors: string;
    };

export interface ConfiguredRecord extends Omit<RecordConfig, 'auth'> {
  readonly credentials: RecordCredentials;
}

export interface ConfiguredDemographics extends Omit<DemographicsConfig, 'auth'> {
  readonly credentials: NoCredentials | OAuth2Credentials;
}

/** Checked and frozen: what the broker runs on. Private keys are in `Secrets`, apart. */
export interface Config extends Omit<
  ConfigFile,
  | 'viewers'
  | 'admins'
  | 'neighbours'
  | 'records'
  | 'demographics'
  | 'directory'
  | 'store'
  | 'audit_streams'
  | 'notices'
  | 'care_locations'
  | 'tracing'
> {
  readonly viewers: readonly RegisteredViewer[];
  readonly admins: readonly RegisteredAdmin[];
  readonly neighbours: readonly PinnedNeighbour[];
  readonly records: readonly ConfiguredRecord[];
  readonly demographics: ConfiguredDemographics;
  readonly audit_streams: readonly ConfiguredStream[];
  readonly notices: ConfiguredNotices;
  readonly care_locations: ConfiguredCareLocations;
  readonly tracing: ConfiguredTracing | undefined;
  readonly directory: DirectoryFile;
  /** The store's URL: `sqlite:` and an absolute path, or `postgres://`. */
  readonly store: string;
  readonly serverCertificate: string;
  readonly clientCertificate: string;
  /** Where the private keys are, absolute. */
  readonly secretsDirectory: string;
  readonly statementToken: string;
  readonly federationKeys: readonly PublicJwk[];
  /** The file this came from, for messages. */
  readonly source: string;
  /** The public files that trust rests on, each as it is, where it is whole. */
  readonly whole: readonly WholeFile[];
  /** Those for which stands in what they held when they were whole last. */
  readonly cut: readonly CutFile[];
}

/**
 * Reads one region's configuration file and every public file that it names.
 *
 * @param lastWholeOf what stands in for a file that a crash has cut
 * @throws StartError a sentence with file, setting, what is wrong and what to write; FileCut where nothing stands in
 */
export function loadConfig(file: string, lastWholeOf: LastWholeOf = () => undefined): Config {
  const source = resolve(file);
  const raw = readConfigFile(source);
  const near = (name: string): string => resolve(dirname(source), name);
  const text = (setting: string, name: string): string => readNamed(source, setting, near(name));
  const trust = new TrustFiles(source, lastWholeOf);
  const certificates = (setting: string, name: string): string => trust.pem(setting, near(name));
  const shared = parseYaml(near(raw.directory), directoryFile);
  checkTogether(source, raw, shared);
  const config: Omit<Config, 'whole' | 'cut'> = {
    ...raw,
    source,
    secretsDirectory: near(raw.secrets),
    serverCertificate: certificates('certificates.server', raw.certificates.server),
    clientCertificate: certificates('certificates.client', raw.certificates.client),
    statementToken: trust.statement('statement', near(raw.statement)),
    federationKeys: trust.jwks('federation_keys', near(raw.federation_keys)),
    store: storeUrl(source, raw),
    // A new region is in the directory by its own word, until the file that all share lists it.
    directory: joinedDirectory(shared, [raw]),
    audit_streams: configuredStreams(raw.audit_streams, { source, near, text }),
    notices: configuredNotices(raw.notices, { source, near, text }),
    tracing: configuredTracing(raw.tracing, { source, near, text }),
    care_locations: configuredCareLocations(raw.care_locations, { ...raw, source }, certificates),
    viewers: raw.viewers.map((viewer, position) => ({
      ...viewer,
      keys: viewer.keys.map((name) => jwkFrom(source, `viewers.${position}.keys`, near(name))),
      anchor:
        viewer.certificate &&
        certificates(`viewers.${position}.certificate.anchors`, viewer.certificate.anchors),
    })),
    admins: registeredAdmins(source, raw.admins, trust),
    records: raw.records.map(({ auth, ...record }, position) => ({
      ...record,
      credentials: recordCredentials(auth, `records.${position}.auth`, source, text),
    })),
    demographics: configuredDemographics(raw.demographics, source, text),
    neighbours: raw.neighbours.map((neighbour, position) => {
      const at = `neighbours.${position}`;
      return {
        ...neighbour,
        federationKeys: trust.jwks(`${at}.pin.federation_keys`, near(neighbour.pin.federation_keys)),
        anchors: neighbour.pin.tls_anchors.map((name) => certificates(`${at}.pin.tls_anchors`, name)),
        statementToken: trust.statement(`${at}.statement`, near(neighbour.statement)),
        crl: configuredCrl(neighbour.crl, near, (name) => text(`${at}.crl.issuers`, name)),
      };
    }),
  };
  return deepFreeze({ ...config, whole: trust.whole, cut: trust.cut });
}

/** One region's file, checked by itself; the files that it names are not read. @throws StartError */
export function readConfigFile(file: string): ConfigFile {
  return parseYaml(resolve(file), configFile);
}

/** The store's URL as `Config.store` has it. @param source the configuration file */
export function storeUrl(source: string, { store }: Pick<ConfigFile, 'store'>): string {
  const near = (name: string): string => resolve(dirname(resolve(source)), name);
  return store.replace(/^sqlite:(.+)$/s, (_, file: string) => `sqlite:${near(file)}`);
}

function recordCredentials(
  auth: RecordConfig['auth'],
  at: string,
  source: string,
  text: ReadText,
): RecordCredentials {
  switch (auth.kind) {
    case 'none':
      return { kind: 'none' };
    case 'mutual-tls':
      return {
        kind: 'mutual-tls',
        certificate: text(`${at}.certificate`, auth.certificate),
        key: text(`${at}.key`, auth.key),
        anchors: text(`${at}.anchors`, auth.anchors),
      };
    case 'oauth2':
      return oauth2Credentials(auth, at, source, text);
  }
}

function configuredDemographics(
  { auth, ...rest }: DemographicsConfig,
  source: string,
  text: ReadText,
): ConfiguredDemographics {
  const credentials =
    auth.kind === 'none' ? auth : oauth2Credentials(auth, 'demographics.auth', source, text);
  return { ...rest, credentials };
}

type ReadText = (setting: string, name: string) => string;

function oauth2Credentials(
  auth: Extract<DemographicsConfig['auth'], { kind: 'oauth2' }>,
  at: string,
  source: string,
  text: ReadText,
): OAuth2Credentials {
  return {
    kind: 'oauth2',
    tokenEndpoint: auth.token_endpoint,
    clientId: auth.client_id,
    key: clientJwk(source, `${at}.key`, text(`${at}.key`, auth.key)),
    scope: auth.scope,
    anchors: auth.anchors === undefined ? undefined : text(`${at}.anchors`, auth.anchors),
  };
}

/** @throws StartError which does not quote the text: it is a key */
function clientJwk(source: string, setting: string, text: string): object {
  try {
    const parsed = clientKey.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // Told below: the parser's own message quotes the text.
  }
  throw new StartError(
    `${source}: ${setting} names no private key for a client: write a JWK with kid, its private part, and ` +
      `alg (one of ${clientKey.shape.alg.options.join(', ')}).`,
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
