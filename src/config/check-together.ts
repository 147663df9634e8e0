import { StartError } from '../errors.ts';
import { checkDirectory } from './check-directory.ts';
import { takenInDirectory } from './joined-directory.ts';
import type { ConfigFile, DirectoryFile } from './schema.ts';

/** What one setting alone cannot show. @throws StartError */
export function checkTogether(source: string, config: ConfigFile, directory: DirectoryFile): void {
  const fail = (setting: string, wrong: string, write: string): never => {
    throw new StartError(`${source}: ${setting} ${wrong}: ${write}.`);
  };
  const records = new Set(config.records.map((record) => record.id));
  if (records.size < config.records.length)
    fail('records', 'names one id twice', 'give each record its own id');
  for (const [position, { id, base, auth }] of config.records.entries()) {
    if (auth.kind !== 'none' && !isConfidential(base)) {
      fail(`records.${position}.base`, `of ${id} would send credentials in clear`, 'write an https address');
    }
    if (auth.kind === 'mutual-tls' && !base.startsWith('https:')) {
      fail(`records.${position}.base`, `of ${id} has no TLS to authenticate with`, 'write an https address');
    }
    if (auth.kind === 'oauth2' && !isConfidential(auth.token_endpoint)) {
      fail(
        `records.${position}.auth.token_endpoint`,
        'would get credentials in clear',
        'write an https address',
      );
    }
  }
  checkDemographics(config, fail);
  checkPublicBases(config.records, fail);
  if (config.directory_source !== undefined && !isConfidential(config.directory_source.base)) {
    fail('directory_source.base', 'would be believed without TLS', 'write an https address');
  }
  if (config.tracing !== undefined && !isConfidential(config.tracing.otlp)) {
    fail('tracing.otlp', 'would send traces in clear', 'write an https address');
  }
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
  checkPlatforms(config, fail);
  checkAdmins(config, fail);
  const { listeners, public_base: base, viewer_tokens_base: tokensBase } = config;
  if (listeners.viewer_tokens !== undefined && base !== undefined && tokensBase === undefined) {
    fail('viewer_tokens_base', 'is missing', 'write the base of that listener too: its links lead there');
  }
  const bases = [config.federation_base, ...config.federation_alternates];
  if (new Set(bases).size < bases.length) {
    fail('federation_alternates', 'names one address twice', 'write each once, and without federation_base');
  }
  const regions = config.neighbours.map((neighbour) => neighbour.region);
  if (new Set(regions).size < regions.length) {
    fail('neighbours', 'names one region twice', 'keep one entry for each region');
  }
  const known = new Set(directory.regions.map((region) => region.id));
  for (const region of regions) {
    if (!known.has(region) && region !== config.region)
      fail('directory', `does not have the region ${region}`, 'add it with its sub_icbs');
  }
  const taken = takenInDirectory(directory, config);
  if (taken.length > 0) {
    fail(
      'coverage',
      `claims ${taken.slice(0, 10).join(', ')}, which the directory gives to another region`,
      `take it out, or list ${config.region} in the directory`,
    );
  }
  checkDirectory(source, directory);
}

/** What it says decides which region is a patient's home, and who is restricted. */
function checkDemographics(
  { demographics: { auth, base } }: ConfigFile,
  fail: (setting: string, wrong: string, write: string) => never,
): void {
  if (!isConfidential(base)) {
    fail(
      'demographics.base',
      'would send NHS numbers in clear, and be believed without TLS',
      'write an https address',
    );
  }
  if (auth.kind !== 'none' && !isConfidential(auth.token_endpoint)) {
    fail('demographics.auth.token_endpoint', 'would get credentials in clear', 'write an https address');
  }
}

/** A platform tells where patients were seen, and may be the one whose viewer asks: it is no neighbour, and not we. */
function checkPlatforms(
  { care_locations: { platforms }, entity, neighbours }: ConfigFile,
  fail: (setting: string, wrong: string, write: string) => never,
): void {
  const taken = new Set([entity, ...neighbours.map((neighbour) => neighbour.entity)]);
  for (const [position, { id, certificate }] of platforms.entries()) {
    if (!taken.has(certificate.uri)) continue;
    fail(
      `care_locations.platforms.${position}.certificate.uri`,
      `of ${id} is another party's name as well`,
      'write a name of this platform alone',
    );
  }
}

/** An admin is one person with one certificate, and no party that has another part here. */
function checkAdmins(
  { admins, listeners, viewers, care_locations: { platforms }, entity, neighbours }: ConfigFile,
  fail: (setting: string, wrong: string, write: string) => never,
): void {
  if (admins.length > 0 && listeners.admin_api === undefined)
    fail('listeners.admin_api', 'is missing', 'write its port, or remove admins');
  if (admins.length === 0 && listeners.admin_api !== undefined)
    fail('admins', 'names nobody', 'write who may use listeners.admin_api, or remove that listener');
  const ids = new Set(admins.map(({ id }) => id));
  if (ids.size < admins.length) fail('admins', 'names one id twice', 'give each admin an id of their own');
  const taken = new Set([
    ...[...viewers, ...platforms].map(({ certificate }) => certificate?.uri),
    ...[entity, ...neighbours.map((neighbour) => neighbour.entity)],
  ]);
  for (const [position, { id, certificate }] of admins.entries()) {
    if (taken.has(certificate.uri)) {
      fail(
        `admins.${position}.certificate.uri`,
        `of ${id} is another party's name as well`,
        'write a name of this admin alone',
      );
    }
    taken.add(certificate.uri);
  }
}

/** By its address alone it is known which record a URL leads to, and where in it. */
function checkPublicBases(
  records: ConfigFile['records'],
  fail: (setting: string, wrong: string, write: string) => never,
): void {
  for (const [position, record] of records.entries()) {
    for (const name of record.public_base) {
      const setting = `records.${position}.public_base`;
      const other = records.find((one) => one !== record && [one.base, ...one.public_base].includes(name));
      if (other !== undefined) {
        fail(
          setting,
          `of ${record.id} is an address of ${other.id} as well`,
          'write one of this record alone',
        );
      }
      if (`${record.base}/`.startsWith(`${name}/`)) {
        fail(setting, `of ${record.id} is its base, or lies above it`, 'remove it, or write the whole base');
      }
    }
  }
}

/** TLS, or an address that does not leave this machine. */
function isConfidential(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return (
    protocol === 'https:' || hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]'
  );
}
