import {
  CODE,
  organisation,
  patient,
  person,
  purposesOf,
  requestId,
  signedQuery,
  system,
  type AuditEvent,
} from './audit-event.ts';
import { EVENT_OF, type Parties } from './balp-table.ts';
import type { ReadEntry } from '../log.ts';

/**
 * The id of an entry's AuditEvent: the log's replica, its number where it is a successor, and the entry's place, so
 * that it never changes.
 */
export function auditEventId(origin: string, sequence: number): string {
  const inEntity = origin.slice(origin.lastIndexOf('/log/') + '/log/'.length);
  return [...inEntity.split('/'), sequence].join('.');
}

/**
 * The FHIR R4 AuditEvent of an entry (IHE BALP), about one patient; undefined for an entry that gives none. One whose
 * values were erased has no patient, no user and no profile, and the security label REDACTED.
 */
export function auditEventOf(entry: ReadEntry, origin: string, parties: Parties): AuditEvent | undefined {
  const { leaf, sequence, opened = {} } = entry;
  const values = Object.fromEntries(Object.entries(opened).map(([name, { value }]) => [name, value]));
  const draft = EVENT_OF[leaf.event]?.({ leaf, values, parties });
  if (draft === undefined) return undefined;
  const { nhs_number: nhsNumber, user } = values;
  const purposes = purposesOf(leaf.purpose, leaf.break_glass);
  const told = [leaf.outcome, leaf.reason ?? leaf.fault].filter((word) => word !== undefined).join(': ');
  const erased = leaf.sealed !== undefined && entry.opened === undefined;
  const profile = draft.ends.every(({ network }) => network !== undefined) ? draft.profile : undefined;
  const entities = [
    ...(nhsNumber === undefined ? [] : [patient(nhsNumber)]),
    ...(draft.entities ?? []),
    ...(draft.asked ? [requestId(leaf.exchange)] : []),
    ...(leaf.jti === undefined || leaf.jti === '' ? [] : [signedQuery(leaf.jti)]),
  ];
  return {
    resourceType: 'AuditEvent',
    id: auditEventId(origin, sequence),
    meta: {
      // Where the evidence for it is: the log, and the place in it.
      ...{ source: `https://${origin}#${sequence}` },
      ...(erased || profile === undefined ? {} : { profile: [profile] }),
      ...(erased ? { security: [CODE.redacted] } : {}),
    },
    type: draft.type,
    ...(draft.subtype === undefined ? {} : { subtype: [draft.subtype] }),
    action: draft.action,
    recorded: new Date(leaf.at).toISOString(),
    outcome: draft.outcome,
    ...(told === '' ? {} : { outcomeDesc: told }),
    ...(purposes.length === 0 ? {} : { purposeOfEvent: purposes }),
    agent: [
      ...draft.ends,
      ...(user === undefined ? [] : [person(user, leaf.role, purposes)]),
      ...(leaf.organisation === undefined ? [] : [organisation(leaf.organisation)]),
    ],
    source: {
      site: parties.region,
      observer: system(CODE.application, parties.entity).who,
      type: [CODE.server],
    },
    ...(entities.length === 0 ? {} : { entity: entities }),
  };
}
