import type { Deadline } from '../deadline.ts';
import { EvidenceError, RequestError } from '../errors.ts';
import type { QueryClaims } from '../evidence/claims.ts';
import { referencesIn } from '../fhir/references.ts';
import { nameOf, type Resource } from '../fhir/resource.ts';
import { isAboutAPatient } from '../fhir/subject-check.ts';
import { errorFields } from '../log.ts';
import type { Span } from '../span.ts';
import type { RecordLink } from '../upstream/record-link.ts';
import type { Permission } from './decide-sharing.ts';
import { findPatient } from './find-patient.ts';
import { isRestrictedPatient } from './labels.ts';
import { recordReason } from './read-records.ts';
import type { Reading } from './reading.ts';
import { restrictedAt, sameForAll, type RecordAnswer } from './record-answer.ts';
import { entriesIn } from './record-bundle.ts';
import { release } from './release.ts';
import { watchedRecord } from './watched-record.ts';

type Read = NonNullable<QueryClaims['read']>;

/** The search id under which a read is told in `sources`. */
export const READ = 'read';

/**
 * Reads one resource of one record. What travels back is its proof as well: the resource, the record's Patient
 * (identifier only) and, for a resource outside the Patient compartment, the `via` that refers to it, so that
 * the requester can make the whole subject check again.
 *
 * @throws RequestError `via-missing`, `bad-request`
 */
export async function readResource(
  permission: Permission,
  read: Read,
  reading: Reading,
  deadline: Deadline,
  span: Span,
): Promise<RecordAnswer> {
  const link = reading.links.find((candidate) => candidate.record.id === read.record);
  if (link === undefined) throw new RequestError('not-found', 'record');
  const names = namesOf(read);
  const one = [{ id: READ }];
  if (!isOffered(names.about, permission, link)) return sameForAll(read.record, one, 'not-offered');
  const [type = ''] = read.resource.split('/');
  return await watchedRecord(span, link.record.id, [type], () =>
    readFrom(link, read, permission, reading, deadline),
  );
}

async function readFrom(
  link: RecordLink,
  read: Read,
  permission: Permission,
  reading: Reading,
  deadline: Deadline,
): Promise<RecordAnswer> {
  const one = [{ id: READ }];
  try {
    const reads = Promise.all([
      link.get(read.resource, deadline),
      read.via === undefined ? undefined : link.get(read.via, deadline),
    ]);
    // Judged below: a restriction is the same answer whether the resource is there, is not, or was not reached.
    reads.catch(() => undefined);
    const patients = await findPatient(link, permission.query.nhsNumbers, deadline);
    if (patients.some(isRestrictedPatient)) return restrictedAt(read.record);
    const [target, via] = await reads;
    checkNames(read, target, via);
    if (target === undefined || !refers(via, target, link)) return sameForAll(read.record, one, 'none');
    return asAnswer(patients, target, via, permission, link, reading);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    reading.log.warn({ record: read.record, ...errorFields(error) }, 'record not read');
    return sameForAll(read.record, one, 'not-reached', recordReason(error));
  }
}

/** `about` is the type that the agreement must cover: the patient's own resource, itself or the one it is via. */
function namesOf(read: Read): { about: string } {
  const [type = ''] = read.resource.split('/');
  if (isAboutAPatient({ resourceType: type })) return { about: type };
  const [viaType] = read.via?.split('/') ?? [];
  if (viaType === undefined || !isAboutAPatient({ resourceType: viaType }))
    throw new RequestError('via-missing');
  return { about: viaType };
}

/** A record that gives another resource than the one read has given none that can be told apart. */
function checkNames(read: Read, target: Resource | undefined, via: Resource | undefined): void {
  const differs = (resource: Resource | undefined, name: string | undefined): boolean =>
    resource !== undefined && nameOf(resource) !== name;
  if (differs(target, read.resource) || differs(via, read.via)) {
    throw new EvidenceError('bad-bundle', 'another resource than was read');
  }
}

function isOffered(type: string, permission: Permission, link: RecordLink): boolean {
  return permission.agreement.types.includes(type) && link.record.offers.includes(type);
}

function refers(via: Resource | undefined, target: Resource, link: RecordLink): boolean {
  if (isAboutAPatient(target)) return true;
  return via !== undefined && referencesIn(via, [link.record.base]).has(nameOf(target));
}

/** The same release as a search's, with the resource (or its `via`) in the place of a page. */
function asAnswer(
  patients: readonly Resource[],
  target: Resource,
  via: Resource | undefined,
  permission: Permission,
  link: RecordLink,
  reading: Reading,
): RecordAnswer {
  const own = isAboutAPatient(target) ? target : via;
  if (own === undefined) return sameForAll(link.record.id, [{ id: READ }], 'none');
  const entries = entriesIn(
    {
      resourceType: 'Bundle',
      type: 'searchset',
      entry: [
        { resource: own, search: { mode: 'match' } },
        ...(own === target ? [] : [{ resource: target, search: { mode: 'include' as const } }]),
      ],
    },
    link.record.base,
  );
  const search = {
    id: READ,
    search: { type: own.resourceType, parameters: [] },
    record: link.record.id,
    cursor: undefined,
  };
  const page = { search, entries, cursor: undefined, missing: undefined, failed: undefined, asOf: undefined };
  try {
    return release(patients, [page], permission, link, reading);
  } catch (error) {
    if (!(error instanceof EvidenceError) || error.code !== 'wrong-subject') throw error;
    // The asker named it, so this is no fault of the record; and that it exists is nobody else's business.
    reading.log.warn(
      { record: link.record.id, ...errorFields(error) },
      'resource of another patient asked for',
    );
    return sameForAll(link.record.id, [{ id: READ }], 'none');
  }
}
