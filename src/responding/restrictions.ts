import type { Deadline } from '../deadline.ts';
import { errorFields } from '../log.ts';
import { findPatient } from './find-patient.ts';
import { isRestrictedPatient } from './labels.ts';
import type { Permission } from './decide-sharing.ts';
import type { Reading } from './reading.ts';
import { numbersOn, restrictedAt, sameForAll, type RecordAnswer } from './record-answer.ts';

/** How long the records that were not asked may keep the others' answer waiting. */
const WATCH_MS = 1_000;

/**
 * Looks the patient up in the records that a query does not ask: a restriction that one of them knows holds for
 * the whole region. One that is not reached in time is passed over, as one that is down would be: its
 * restriction is then not known (docs/hazard-log.md).
 */
export function watchOthers(
  permission: Permission,
  asked: ReadonlySet<string>,
  reading: Reading,
  deadline: Deadline,
): Promise<RecordAnswer[]> {
  const others = reading.links.filter((link) => !asked.has(link.record.id));
  return Promise.all(
    others.map(async (link) => {
      const record = link.record.id;
      using part = deadline.within(WATCH_MS);
      try {
        const patients = await findPatient(link, permission.query.nhsNumbers, part);
        if (patients.some(isRestrictedPatient)) return restrictedAt(record);
        return { ...sameForAll(record, [], 'none'), nhsNumbers: numbersOn(patients) };
      } catch (error) {
        reading.log.warn({ record, ...errorFields(error) }, 'record not looked at for restrictions');
        return sameForAll(record, [], 'none');
      }
    }),
  );
}
