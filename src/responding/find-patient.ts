import type { Deadline } from '../deadline.ts';
import { DeliveryError, EvidenceError } from '../errors.ts';
import { nhsNumberToken, nhsNumbersOf } from '../fhir/nhs-number.ts';
import type { Resource } from '../fhir/resource.ts';
import type { RecordLink } from '../upstream/record-link.ts';
import { asSearchset, entriesIn, saysIncomplete } from './record-bundle.ts';

/**
 * The record's own Patient resources for the numbers asked: usually one, none where the record does not know
 * the patient, several where it holds duplicates or both a current and a superseded number.
 *
 * @throws EvidenceError `wrong-subject` when the record gives a Patient that was not asked for: it ignores the
 *   parameter, and nothing that it says about a patient can then be used
 * @throws DeliveryError
 */
export async function findPatient(
  link: RecordLink,
  nhsNumbers: ReadonlySet<string>,
  deadline: Deadline,
): Promise<Resource[]> {
  const found = await Promise.all(
    [...nhsNumbers].map(async (nhsNumber) => {
      const bundle = await link.get(
        `Patient?identifier=${encodeURIComponent(nhsNumberToken(nhsNumber))}`,
        deadline,
      );
      // Taken for "no such patient", half an answer would hide a restriction as well as the record.
      const searchset = asSearchset(bundle, link.record.id);
      if (saysIncomplete(searchset)) throw new DeliveryError('bad-content', link.record.id);
      return entriesIn(searchset, link.record.base).map((entry) => entry.resource);
    }),
  );
  const patients = found.flat();
  for (const patient of patients) {
    const numbers = nhsNumbersOf(patient['identifier']);
    if (patient.resourceType !== 'Patient' || !numbers.some((number) => nhsNumbers.has(number))) {
      throw new EvidenceError('wrong-subject', 'Patient');
    }
  }
  return patients;
}
