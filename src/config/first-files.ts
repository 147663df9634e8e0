import { Document, isMap, isScalar, visit, type Scalar } from 'yaml';

import type { AdminRole } from '../trust/admins.ts';
import { DEFAULT_DAYS, DEFAULT_REFRESH_HINT_S } from '../trust/statement-request.ts';

/** What is said of a new region before it has run. */
export interface FirstWords {
  readonly region: string;
  readonly entity: string;
  readonly name: string;
  readonly contact: string;
  readonly federationBase: string;
  readonly statementBase: string;
  readonly subIcbs: readonly string[];
  readonly organisations: readonly string[];
  readonly record: { readonly id: string; readonly name: string; readonly base: string };
  /** PDS FHIR. */
  readonly demographics: string;
  /** The shared directory's file, as the configuration is to name it; undefined: a first one is written. */
  readonly directory: string | undefined;
  readonly ports: Readonly<Record<'viewer' | 'federation' | 'admin' | 'statement' | 'admin_api', number>>;
  readonly admins: readonly FirstAdmin[];
  /** Ids of the platforms whose viewers will ask us. */
  readonly viewers: readonly string[];
  /** The origin of its first log (C2SP tlog-checkpoint). */
  readonly logOrigin: string;
  /** The variable that holds the passphrase of its keys. */
  readonly passphraseEnv: string | undefined;
}

export interface FirstAdmin {
  readonly id: string;
  readonly role: AdminRole;
}

/** Where a new region keeps the certificates of its authorities, and what its parties are called. */
export const ADMINS_AUTHORITY = 'public/admins-ca.pem';
export const VIEWERS_AUTHORITY = 'public/viewers-ca.pem';

export function adminName(entity: string, id: string): string {
  return `${entity}/admins/${id}`;
}

export function viewerName(entity: string, id: string): string {
  return `${entity}/viewers/${id}`;
}

export function viewerKeyFile(id: string): string {
  return `public/viewers/${id}.jwk.json`;
}

/** Types that a record is asked for until somebody writes which it offers. */
const TYPES = [
  ...['Patient', 'AllergyIntolerance', 'Condition', 'Procedure', 'MedicationRequest', 'MedicationStatement'],
  ...['Immunization', 'Encounter', 'Observation', 'DiagnosticReport', 'DocumentReference', 'CarePlan'],
];

/** A region's first configuration file: it loads as soon as certificates and statement are where it says. */
export function firstConfig(words: FirstWords): string {
  const { region, name, entity, contact, ports, record } = words;
  const port = (name: keyof FirstWords['ports']): object => ({ host: '127.0.0.1', port: ports[name] });
  return yaml(
    `The broker of ${region}. docs/configuration.md explains each setting. Paths are relative to this file.`,
    {
      ...{ region, name, entity, contact },
      listeners: {
        viewer: port('viewer'),
        federation: port('federation'),
        admin: port('admin'),
        statement: port('statement'),
        ...(words.admins.length === 0 ? {} : { admin_api: port('admin_api') }),
      },
      federation_base: words.federationBase,
      statement_base: words.statementBase,
      store: `sqlite:var/${region}.db`,
      directory: words.directory ?? 'directory.yaml',
      secrets: 'private',
      ...(words.passphraseEnv === undefined ? {} : { secrets_passphrase_env: words.passphraseEnv }),
      certificates: { server: 'public/tls-server.pem', client: 'public/tls-client.pem' },
      statement: 'public/entity-statement.jwt',
      federation_keys: 'public/federation.jwks.json',
      coverage: { sub_icbs: words.subIcbs, organisations: words.organisations },
      records: [{ ...record, search: 'patient-first', offers: TYPES, care_setting: 'acute' }],
      viewers: words.viewers.map((id) => firstViewer(id, words)),
      admins: words.admins.map((admin) => firstAdmin(admin, words)),
      neighbours: [],
      demographics: { base: words.demographics },
    },
    {
      listeners: ' This machine alone, until you write an address of the network; admin stays here.',
      federation_base: ' Where neighbours reach us. Goes into our entity statement.',
      directory: ' The file of regions, practices and organisations that all regions share.',
      secrets: ' Private keys, readable by the user alone that the broker runs as.',
      coverage: ' Whose patients and staff we speak for. Goes into our entity statement.',
      records:
        ' The regional record(s), each a FHIR R4 server. What they are and offer goes into our entity statement.',
      statement_base: ' Where anyone finds our entity statement. Goes into it too.',
      viewers: ' The platforms that may ask us, each with its key and its certificate.',
      admins: ` Who may use the admin API. The first of them wants listeners.admin_api as well, as { port: ${ports.admin_api} }.`,
      neighbours: ' Those that are enrolled by command are not listed here.',
      demographics: ' Where a patient is registered (PDS FHIR R4).',
    },
  );
}

function firstViewer(id: string, { entity, organisations, record }: FirstWords): object {
  const name = viewerName(entity, id);
  return {
    ...{ id, name: id, issuer: name, organisations, own_records: [record.id], keys: [viewerKeyFile(id)] },
    certificate: { uri: name, anchors: VIEWERS_AUTHORITY },
  };
}

function firstAdmin({ id, role }: FirstAdmin, { entity }: FirstWords): object {
  return { id, name: id, role, certificate: { uri: adminName(entity, id), anchors: ADMINS_AUTHORITY } };
}

/** What the region's entity statement is to say: to be read, edited and signed. */
export function firstStatement(words: FirstWords): string {
  const { entity, region, name, contact, record } = words;
  return yaml(
    'What our entity statement says of us. Edit it, then sign it with `wayleave trust sign`, where the federation key is.\n' +
      ' Keys and anchors are named as files beside this one. Later statements are of `wayleave trust request`.',
    {
      ...{ entity, region, name, contact },
      endpoints: { federation: words.federationBase, statement: words.statementBase },
      tls: { anchors: ['public/ca.pem'] },
      message_keys: ['public/message.jwk.json'],
      log_keys: ['public/log.jwk.json'],
      witness_keys: ['public/witness.jwk.json'],
      logs: [words.logOrigin],
      coverage: { sub_icbs: words.subIcbs, organisations: words.organisations },
      records: [{ id: record.id, name: record.name, offers: TYPES, care_setting: 'acute' }],
      refresh_hint: DEFAULT_REFRESH_HINT_S,
      days: DEFAULT_DAYS,
    },
    {
      tls: ' The authorities that alone issue our certificates (PEM): neighbours pin them.',
      logs: ' A log that is listed once stays.',
      refresh_hint: ' Seconds after which a neighbour looks for a newer statement.',
      days: ' How long this statement is good for.',
    },
  );
}

/** A first directory with this region alone. */
export function firstDirectory({ region, name, subIcbs }: FirstWords): string {
  return yaml(
    'The regions of the federation and what leads to them. All regions share one such file: put theirs here.',
    {
      regions: [{ id: region, name, sub_icbs: subIcbs.map((code) => ({ code })) }],
      practices: {},
      organisations: [],
    },
    {},
  );
}

/** What lies beside the federation key, for whoever opens that directory. @param authorities whether there are keys of any */
export function keepElsewhere(authorities: boolean): string {
  const keys = authorities
    ? 'The federation key (federation.jwk.json) and the keys of our own certification authorities (*.key.pem) belong'
    : 'The federation key (federation.jwk.json) belongs';
  return (
    `Keep this directory elsewhere.\n\n${keys}\non a machine or a medium that no broker reads. ` +
    'Move it away before the broker starts, keep a second copy\nin another place, and run `wayleave trust sign` where it is. ' +
    'Whoever has it can speak for this region;\nwithout it no change can be signed.\n'
  );
}

function yaml(heading: string, content: object, comments: Readonly<Record<string, string>>): string {
  const document = new Document(content, { aliasDuplicateObjects: false });
  document.commentBefore = ` ${heading}`;
  if (isMap(document.contents)) {
    for (const { key } of document.contents.items as { key: Scalar<string> }[]) {
      const comment = comments[key.value];
      if (comment === undefined) continue;
      key.spaceBefore = true;
      key.commentBefore = comment;
    }
  }
  visit(document, {
    Seq: (_, list) => {
      list.flow = list.items.every(isScalar);
    },
  });
  return document.toString({ lineWidth: 110 });
}
