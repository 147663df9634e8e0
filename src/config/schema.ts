import { z } from 'zod';

import { agreement } from './agreement-form.ts';
import { careLocationsForm } from './care-locations.ts';
import { careSetting, code, date, milliseconds, odsCode, path, resourceType, sdsRole } from './forms.ts';
import { crlForm } from './crl-form.ts';
import { demographicsAuth, recordAuth } from './auth-forms.ts';
import { auditStream } from './audit-streams.ts';
import { loadForm } from './load-form.ts';
import { noticesForm } from './notices.ts';
import { patientNotices } from './patient-notices.ts';
import { tracingForm } from './trace-export.ts';
import { ADMIN_ROLES } from '../trust/admins.ts';
import { MOST_ALTERNATES } from '../trust/entity-statement.ts';
import { unusualAccess } from './unusual-access.ts';

/**
 * The form of one region's configuration file. Each setting's comment is what `docs/configuration.md` says.
 * Times are in milliseconds where the name ends in `_ms`. Paths are relative to the file that names them.
 */
export { careSetting } from './forms.ts';

const listener = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65535),
});

const breaker = z.strictObject({
  /**
   * Calls in the rolling window before the circuit may open. The window must hold as many time-outs one after
   * another, or a quiet region that hangs is waited for by every clinician anew.
   */
  volume_threshold: z.int().min(1).default(3),
  error_percentage: z.int().min(1).max(100).default(50),
  window_ms: milliseconds.default(20_000),
  /** An answer that takes longer is shown, and counts in the window as a failure. GP Connect allows just under 3 s. */
  slow_ms: milliseconds.default(3_000),
  /** How long the circuit stays open before one probe is sent. */
  reset_ms: milliseconds.default(5_000),
  /** How long that probe may take. */
  probe_ms: milliseconds.default(1_000),
  /** Bulkhead: calls under way at once; one more is refused at once. */
  capacity: z.int().min(1).max(5000).default(64),
});

/** From the start of a new connection until TLS is done; what is not there hangs no longer than this. */
const connectMs = milliseconds.default(1_000);

const noBreaker = {} as const;

/** A FHIR service base, without the slash that would come twice before a resource's name. */
const serviceBase = z
  .url({ protocol: /^https?$/, error: 'an http or https address, as https://record.example/fhir' })
  .regex(/^[^?#]*$/, 'an address without a query or fragment')
  .transform((url) => url.replace(/\/+$/, ''));

const record = z.strictObject({
  id: code,
  name: z.string(),
  supplier: z.string().optional(),
  /** FHIR R4 service base, where it is asked. */
  base: serviceBase,
  /** Bases that the record calls itself by in its own URLs, where a proxy stands before it: never connected to. */
  public_base: z
    .union([serviceBase, z.array(serviceBase)])
    .default([])
    .transform((bases) => [bases].flat()),
  auth: recordAuth.default({ kind: 'none' }),
  /** `chained`: patient.identifier=; `patient-first`: the Patient by identifier, then by its id. */
  search: z.enum(['chained', 'patient-first']).default('patient-first'),
  offers: z.array(resourceType).min(1),
  /** The care setting of a resource that carries no care-setting tag of its own. */
  care_setting: careSetting.default('acute'),
  page_size: z.int().min(1).max(500).default(250),
  timeout_ms: milliseconds.default(4_000),
  connect_ms: connectMs,
  /** One whole-record question is dozens of calls, so the bulkhead of a record is a large one. */
  breaker: breaker.prefault({ capacity: 512 }),
});

const viewer = z.strictObject({
  id: code,
  name: z.string(),
  /** `iss` of its tokens. */
  issuer: z.string().min(1),
  organisations: z.array(odsCode).min(1),
  /** The record(s) that this viewer shows by itself, and so are not asked for it. */
  own_records: z.array(code).default([]),
  keys: z.array(path).min(1),
  binding: z.enum(['certificate', 'single-use']).default('certificate'),
  /** The one URI name of its certificate, and the authorities that may have issued it. */
  certificate: z.strictObject({ uri: z.url(), anchors: path }).optional(),
  /** Local role -> SDS job role code; a role that is an SDS code already passes. */
  roles: z.record(z.string(), sdsRole).default({}),
  /** SDS job roles that may read the audit (`/fhir/AuditEvent`): of one patient, or of anyone. Nobody by default. */
  auditors: z
    .strictObject({
      one_patient: z.array(sdsRole).default([]),
      any_patient: z.array(sdsRole).default([]),
    })
    .prefault({}),
});

const admin = z.strictObject({
  id: code,
  name: z.string().min(1),
  /** Each may do what those before it may: `viewer` looks, `operator` operates, `security-officer` decides on trust. */
  role: z.enum(ADMIN_ROLES),
  /** The one URI name of the admin's certificate, and the authorities that may have issued it. */
  certificate: z.strictObject({ uri: z.url(), anchors: path }),
});

const neighbour = z.strictObject({
  region: code,
  entity: z.url({ protocol: /^https$/ }),
  pin: z.strictObject({
    /** JWKS with the federation keys that alone may sign this neighbour's entity statement. */
    federation_keys: path,
    /** PEM file(s) of the authorities that alone may issue its certificates. */
    tls_anchors: z.array(path).min(1),
  }),
  /** The approved entity statement. */
  statement: path,
  crl: crlForm.optional(),
  agreement,
  timeout_ms: milliseconds.default(5_000),
  connect_ms: connectMs,
  /** Queries a second that this neighbour may send us. */
  rate_per_second: z.int().min(1).default(200),
  breaker: breaker.prefault(noBreaker),
});

/** What is configured of a neighbour that was enrolled by a decision: its agreement, and the defaults. */
export const enrolledNeighbour = neighbour.pick({
  agreement: true,
  timeout_ms: true,
  connect_ms: true,
  rate_per_second: true,
  breaker: true,
});

const demographics = z.strictObject({
  /** Service base of PDS FHIR R4. */
  base: z.url({ protocol: /^https?$/ }),
  /** On whose behalf it is asked: `NHSD-End-User-Organisation-ODS`. */
  organisation: odsCode.optional(),
  /** Application-restricted access of NHS England's API platform: RS512, no scope. */
  auth: demographicsAuth.default({ kind: 'none' }),
  /** For one call; and the longest that a clinician's question waits for it, its turn included. */
  timeout_ms: milliseconds.default(1_500),
  /** What the application may send. Replicas share that: each gets its part. */
  rate_per_second: z.int().min(1).max(1_000).default(5),
  cache: z
    .strictObject({
      entries: z.int().min(0).default(10_000),
      /** An answer serves this long without being asked for again. */
      fresh_seconds: z.int().min(0).default(60),
      /** It stands in this long where demographics is not reached. */
      seconds: z.int().min(0).default(300),
    })
    .prefault({}),
  breaker: breaker.prefault(noBreaker),
});

const directorySource = z.strictObject({
  /** Service base of the Organisation Data Service's FHIR R4 server. */
  base: serviceBase,
  /** The environment's variable with its key, where it wants one. */
  api_key_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable of the environment')
    .optional(),
  interval_hours: z.int().min(1).max(168).default(24),
  page_size: z.int().min(1).max(1_000).default(100),
  timeout_ms: milliseconds.default(20_000),
  breaker: breaker.prefault({ volume_threshold: 5, slow_ms: 15_000 }),
});

const budgets = z.strictObject({
  bundle_ms: milliseconds.default(5_000),
  stream_ms: milliseconds.default(20_000),
  document_ms: milliseconds.default(30_000),
  /** Of a question's time, what the home region may take to say where else to look; at most half of it. */
  locate_ms: milliseconds.default(1_500),
  /** Kept back from each hand-down, for the way home and the merge. */
  margin_ms: z.int().min(0).max(2_000).default(150),
});

export const configFile = z.strictObject({
  region: code,
  name: z.string(),
  entity: z.url({ protocol: /^https$/ }),
  contact: z.string(),
  /** Directory of private keys; read apart and never logged. */
  secrets: path,
  /** The environment's variable with the passphrase of the private keys, where they have one. */
  secrets_passphrase_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable of the environment')
    .optional(),
  certificates: z.strictObject({ server: path, client: path }),
  /** Our own entity statement, signed where the federation key is. */
  statement: path,
  /** JWKS with our own federation public keys, which signed that statement. */
  federation_keys: path,
  coverage: z.strictObject({ sub_icbs: z.array(odsCode).min(1), organisations: z.array(odsCode) }),
  listeners: z.strictObject({
    viewer: listener,
    /** For viewers with single-use tokens, without client certificates. */
    viewer_tokens: listener.optional(),
    federation: listener,
    admin: listener,
    statement: listener,
    /** For admins, over mutual TLS. */
    admin_api: listener.optional(),
  }),
  /** The base that viewers see, when a proxy or another name stands before the listener. */
  public_base: z.url().optional(),
  /** The same for viewers with single-use tokens. */
  viewer_tokens_base: z.url().optional(),
  /** The base that neighbours use; goes into the entity statement. */
  federation_base: z.url({ protocol: /^https$/ }),
  /** Further bases at which neighbours reach us when they cannot connect to that one, in this order; they go into it too. */
  federation_alternates: z
    .array(z.url({ protocol: /^https$/ }))
    .max(MOST_ALTERNATES)
    .default([]),
  /** The base at which anyone finds our entity statement, where the entity identifier is no address; goes into it too. */
  statement_base: z.url({ protocol: /^https$/ }).optional(),
  /** Names this replica's own log: its origin is the entity's host, `/log/` and this. Part of a FHIR id as well. */
  replica: code.max(40, 'at most 40 characters').default('1'),
  /** How often the log's head is signed and handed to the neighbours, who cosign it. */
  checkpoint_ms: milliseconds.default(10_000),
  /** Before that, when the log has grown by so many entries; no more than once a second. */
  checkpoint_entries: z.int().min(1).default(10_000),
  store: z
    .string()
    .regex(
      /^(?:sqlite:|postgres(?:ql)?:\/\/)./,
      'sqlite: and a file, as sqlite:var/wayleave.db, or postgres://user@host/database',
    ),
  /** MiB that the disk of a SQLite store keeps free, for the end of what is begun; below that nothing is begun. */
  store_reserve_mb: z.int().min(0).max(1_000_000).default(64),
  /** The shared directory of regions, practices and organisations. */
  directory: path,
  /** None, for a region that only answers its neighbours. */
  viewers: z.array(viewer),
  /** Who may use the admin API. */
  admins: z.array(admin).default([]),
  records: z.array(record).min(1),
  neighbours: z.array(neighbour),
  demographics,
  /** Where changes of the imported directory are fetched; without it, only files are imported. */
  directory_source: directorySource.optional(),
  routing: z
    .strictObject({
      /** What to do when the registration does not say whom to ask. */
      without_registration: z.enum(['ask-all-agreed', 'ask-home-only', 'ask-none']).default('ask-all-agreed'),
      /** For so many months after a registration here began an answer is incomplete without a handover. */
      recent_months: z.int().min(0).max(120).default(12),
      /** What to do when the patient's home region does not tell who else holds something. */
      without_locate: z.enum(['ask-known', 'ask-all-agreed']).default('ask-known'),
    })
    .prefault({}),
  care_locations: careLocationsForm.prefault({}),
  budgets: budgets.prefault({}),
  /** How much is taken in at once, and when that is too much. */
  load: loadForm.prefault({}),
  report: z
    .strictObject({
      /** A patient's report names users, not only their role and organisation. */
      show_users: z.boolean().default(false),
    })
    .prefault({}),
  retention: z
    .strictObject({
      /** Days for which entries stay in the store; what is older may be pruned once it is archived. */
      keep_days: z.int().min(30, 'at least 30: proofs and cosignatures are settled by then').default(400),
    })
    .prefault({}),
  unusual_access: unusualAccess.prefault({ many_patients: {} }),
  audit_streams: z.array(auditStream).default([]),
  /** Who is told of what ends soon. */
  notices: noticesForm.prefault({}),
  /** What a region tells patients' home regions, and takes from its neighbours. */
  patient_notices: patientNotices.prefault({}),
  /** Where traces of what is done for each request are sent; without it they are made for nobody. */
  tracing: tracingForm.optional(),
  log_level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

const dated = { from: date.optional(), until: date.optional() };

/** The shared directory file: regions as sets of sub-ICB locations and organisations with dates. */
export const directoryFile = z.strictObject({
  regions: z.array(
    z.strictObject({
      id: code,
      name: z.string(),
      sub_icbs: z.array(z.strictObject({ code: odsCode, ...dated })),
    }),
  ),
  /** Which ICB sub-ICB locations belong to, and when. */
  parentage: z
    .array(z.strictObject({ icb: odsCode, sub_icbs: z.array(odsCode).min(1), ...dated }))
    .default([]),
  practices: z.record(odsCode, odsCode),
  /** Closed organisations and practices, and who has gone on with them. */
  successors: z
    .array(z.strictObject({ code: odsCode, successor: odsCode, from: date.optional() }))
    .default([]),
  /** Practices for patients whom no other takes, beside those that are called so. */
  special_allocation: z.array(odsCode).default([]),
  organisations: z.array(
    z.strictObject({
      code: odsCode,
      name: z.string(),
      feeds: z.array(z.strictObject({ region: code, record: code.optional(), ...dated })).min(1),
    }),
  ),
});

export type ConfigFile = z.infer<typeof configFile>;
export type RecordConfig = ConfigFile['records'][number];
export type ViewerConfig = ConfigFile['viewers'][number];
export type AdminConfig = ConfigFile['admins'][number];
export type NeighbourConfig = ConfigFile['neighbours'][number];
export type Agreement = NeighbourConfig['agreement'];
export type BreakerConfig = RecordConfig['breaker'];
export type DemographicsConfig = ConfigFile['demographics'];
export type DirectorySourceConfig = z.infer<typeof directorySource>;
export type DirectoryFile = z.infer<typeof directoryFile>;
export type CareSetting = z.infer<typeof careSetting>;
