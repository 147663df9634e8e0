import { queryClaims, type QueryClaims } from '../../evidence/claims.ts';
import { SYSTEM } from '../../fhir/codes.ts';
import { recordBase } from '../../fhir/record-base.ts';
import type { Coding } from '../../fhir/resource.ts';
import {
  CODE,
  data,
  formerSystem,
  query,
  system,
  type Action,
  type Agent,
  type EventEntity,
  type EventOutcome,
} from './audit-event.ts';
import type { Event, Leaf } from '../entry.ts';

/** The profiles of IHE BALP 1.1 that our events conform to. */
export const BALP = {
  query: 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Query',
  read: 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Read',
  patientQuery: 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientQuery',
  patientRead: 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead',
  disclosed: 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.Source',
  received:
    'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.Recipient',
} as const;

/** Who is meant by the names that a log uses. */
export interface Parties {
  readonly region: string;
  /** Our entity identifier. */
  readonly entity: string;
  /** A neighbour's entity identifier. */
  readonly entityOf: (region: string) => string | undefined;
  /** The issuer of a registered viewer's tokens. */
  readonly issuerOf: (viewer: string) => string | undefined;
}

/** An entry as the table sees it; `values` is empty where what was sealed was erased. */
export interface Seen {
  readonly leaf: Leaf;
  readonly values: Readonly<Record<string, string>>;
  readonly parties: Parties;
}

/** What an event has of its own, before what all events have. */
export interface Draft {
  /** The profile that it conforms to when nothing was erased. */
  readonly profile?: string | undefined;
  readonly type: Coding;
  readonly subtype?: Coding;
  readonly action: Action;
  readonly outcome: EventOutcome;
  /** The two ends; the user and the organisation come with every event. */
  readonly ends: readonly Agent[];
  readonly entities?: readonly EventEntity[];
  /** The exchange is the request's `X-Request-Id`: it is at the requester. */
  readonly asked?: true;
}

/**
 * Which entries give an AuditEvent, and which one; `docs/evidence.md` has the same table. What is left out tells
 * of no access (`started`, `fork-seen`), or is told by another entry of the same exchange (`route-planned`,
 * `query-received`).
 */
export const EVENT_OF: Partial<Record<Event, (seen: Seen) => Draft | undefined>> = {
  'query-sent': querySent,
  'response-believed': responseBelieved,
  'response-not-believed': (seen) => unsuccessful(seen, 'ours', '8'),
  'not-reached': (seen) => unsuccessful(seen, 'ours', '8'),
  'released-to-viewer': releasedToViewer,
  'viewer-refused': viewerRefused,
  'query-answered': queryAnswered,
  'query-withheld': (seen) => unsuccessful(seen, 'theirs', '4'),
  'query-refused': (seen) => unsuccessful(seen, 'theirs', '4'),
  'access-question-sent': (seen) => logAsked(seen, 'ours', '0'),
  'access-answer-not-believed': (seen) => logAsked(seen, 'ours', '8'),
  'access-not-reached': (seen) => logAsked(seen, 'ours', '8'),
  'access-question-answered': (seen) => logAsked(seen, 'theirs', '0'),
  'access-question-withheld': (seen) => logAsked(seen, 'theirs', '4'),
  'access-question-refused': (seen) => logAsked(seen, 'theirs', '4'),
  'notice-about': noticeAbout,
  'audit-searched': auditSearched,
  'report-made': auditSearched,
  'route-shown': routeShown,
};

/** In a query the client is the source: what flows is the question. In a read it is the destination. */
const QUERYING = { client: CODE.source, server: CODE.destination };
const READING = { client: CODE.destination, server: CODE.source };

function querySent({ leaf, values, parties }: Seen): Draft | undefined {
  const claims = values['query'] === undefined ? undefined : claimsOf(values['query']);
  const read = claims?.read;
  const roles = read === undefined ? QUERYING : READING;
  const ends = [system(roles.client, parties.entity, true), neighbour(roles.server, leaf, parties)];
  const common = { type: CODE.rest, outcome: '0', ends, asked: true } as const;
  if (read !== undefined) {
    const entities = [data(`${baseOf(leaf.region, read.record, parties)}/${read.resource}`)];
    return { ...common, profile: BALP.patientRead, subtype: CODE.read, action: 'R', entities };
  }
  const entities = claims?.search === undefined ? [] : [query(claims.search.map(searchLine).join('\n'))];
  const profile = entities.length === 0 ? undefined : BALP.patientQuery;
  return { ...common, profile, subtype: CODE.search, action: 'E', entities };
}

/** What came is imported. That nothing came, because there is none, `query-sent` need not be told again. */
function responseBelieved(seen: Seen): Draft | undefined {
  const { leaf, parties } = seen;
  const entities = resourcesIn(seen);
  if (entities.length === 0 && (leaf.count ?? 0) === 0) {
    const failed = leaf.outcome === 'withheld' || leaf.outcome === 'not-reached';
    return failed ? unsuccessful(seen, 'ours', '4') : undefined;
  }
  const ends = [neighbour(CODE.source, leaf, parties), system(CODE.destination, parties.entity)];
  const common = { type: CODE.import, subtype: CODE.disclose, action: 'C', outcome: '0' } as const;
  return { ...common, profile: BALP.received, ends, entities, asked: true };
}

function releasedToViewer({ leaf, values, parties }: Seen): Draft {
  const shown = listIn<{ region: string; record: string; resource: string }>(values['shown']);
  const entities = shown.map(({ region, record, resource }) =>
    data(`${baseOf(region, record, parties)}/${resource}`),
  );
  const ends = [
    system(CODE.source, parties.entity),
    viewer(CODE.destination, leaf, parties) ?? formerSystem(CODE.destination, { value: 'viewer' }),
  ];
  const common = { type: CODE.export, subtype: CODE.disclose, action: 'R', outcome: '0' } as const;
  return { ...common, profile: BALP.disclosed, ends, entities, asked: true };
}

function queryAnswered(seen: Seen): Draft {
  const { leaf, parties } = seen;
  const ends = [system(CODE.source, parties.entity), neighbour(CODE.destination, leaf, parties)];
  const common = { type: CODE.export, subtype: CODE.disclose, action: 'R', outcome: '0' } as const;
  return { ...common, profile: BALP.disclosed, ends, entities: resourcesIn(seen) };
}

/** Failures are outside the profiles; they follow the query's pattern. */
function unsuccessful({ leaf, parties }: Seen, whose: 'ours' | 'theirs', outcome: EventOutcome): Draft {
  const ends =
    whose === 'ours'
      ? [system(QUERYING.client, parties.entity, true), neighbour(QUERYING.server, leaf, parties)]
      : [neighbour(QUERYING.client, leaf, parties, true), system(QUERYING.server, parties.entity)];
  const asked = whose === 'ours' ? ({ asked: true } as const) : {};
  return { type: CODE.rest, action: 'E', outcome, ends, ...asked };
}

function viewerRefused({ parties }: Seen): Draft {
  const ends = [system(QUERYING.server, parties.entity)];
  return { type: CODE.rest, action: 'E', outcome: '4', ends, asked: true };
}

/** Over FHIR by a viewer's auditor, which is a query or a read itself; or by an admin at the command line. */
function auditSearched({ leaf, values, parties }: Seen): Draft {
  const { question, nhs_number: nhsNumber } = values;
  const { filters } = detailOf(leaf);
  const isRead = Array.isArray(filters) && filters.includes('_id');
  const roles = isRead ? READING : QUERYING;
  const client = viewer(roles.client, leaf, parties);
  if (client === undefined) {
    const ends = [system(CODE.application, parties.entity, true)];
    return { type: CODE.logUsed, action: 'R', outcome: '0', ends };
  }
  const ends = [client, system(roles.server, parties.entity)];
  const common = { type: CODE.rest, outcome: '0', ends, asked: true } as const;
  if (isRead) {
    const entities = question === undefined ? [] : [data(question)];
    const profile = nhsNumber === undefined ? BALP.read : BALP.patientRead;
    return { ...common, profile, subtype: CODE.read, action: 'R', entities };
  }
  const entities = question === undefined ? [] : [query(question)];
  const profile = nhsNumber === undefined ? BALP.query : BALP.patientQuery;
  return { ...common, profile, subtype: CODE.search, action: 'E', entities };
}

/** An admin looks up where a patient is registered and whom we would ask: no resource is read, so no profile fits. */
function routeShown({ parties }: Seen): Draft {
  const ends = [system(CODE.application, parties.entity, true)];
  return { type: CODE.query, action: 'E', outcome: '0', ends };
}

/** One region asks the other's log who received a patient's record: BALP has no profile for it. */
function logAsked({ leaf, parties }: Seen, whose: 'ours' | 'theirs', outcome: EventOutcome): Draft {
  const ends =
    whose === 'ours'
      ? [system(CODE.application, parties.entity, true), neighbour(CODE.source, leaf, parties)]
      : [neighbour(CODE.application, leaf, parties, true), system(CODE.source, parties.entity)];
  return { type: CODE.logUsed, action: 'R', outcome, ends };
}

/** That we hold something of a patient is told to the home region: no resource is given, so no profile fits. */
function noticeAbout({ leaf, parties }: Seen): Draft {
  const ends = [system(CODE.source, parties.entity, true), neighbour(CODE.destination, leaf, parties)];
  return { type: CODE.export, subtype: CODE.disclose, action: 'R', outcome: '0', ends };
}

function neighbour(role: Coding, { region = '' }: Leaf, parties: Parties, requestor = false): Agent {
  const entity = parties.entityOf(region);
  if (entity !== undefined) return system(role, entity, requestor);
  return formerSystem(role, { system: SYSTEM.region, value: region });
}

function viewer(role: Coding, leaf: Leaf, { issuerOf }: Parties): Agent | undefined {
  const { viewer: id } = detailOf(leaf);
  if (typeof id !== 'string') return undefined;
  const issuer = issuerOf(id);
  return issuer === undefined ? formerSystem(role, { value: id }) : system(role, issuer);
}

function detailOf({ detail }: Leaf): { readonly viewer?: unknown; readonly filters?: unknown } {
  return detail ?? {};
}

function resourcesIn({ leaf, values, parties }: Seen): EventEntity[] {
  const listed = listIn<{ record: string; resource: string; version?: string; digest: string }>(
    values['resources'],
  );
  // What we give is our own record's; what we are given is the neighbour's.
  const region = leaf.event === 'query-answered' ? parties.region : leaf.region;
  return listed.map(({ record, resource, version, digest }) =>
    data(`${baseOf(region, record, parties)}/${resource}`, version, digest),
  );
}

function listIn<One>(text: string | undefined): readonly One[] {
  return text === undefined ? [] : (JSON.parse(text) as One[]);
}

/** The federation's own address of a record, as in every `fullUrl` between brokers. */
function baseOf(region = '', record: string, { region: own, entity, entityOf }: Parties): string {
  return recordBase((region === own ? entity : entityOf(region)) ?? '', region, record);
}

function searchLine({ query: text, record }: NonNullable<QueryClaims['search']>[number]): string {
  return record === undefined ? text : `${record}/${text}`;
}

/** What a signed query says. The log committed to it when it was verified, so it is read and not verified again. */
function claimsOf(token: string): QueryClaims | undefined {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  return queryClaims.safeParse(JSON.parse(payload)).data;
}
