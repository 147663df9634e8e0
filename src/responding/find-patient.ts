import type { Deadline } from '../deadline.ts';
import { EvidenceError } from '../errors.ts';
import { nhsNumberToken, nhsNumbersOf } from '../fhir/nhs-number.ts';
import { isBundle, type Resource } from '../fhir/resource.ts';
import type { RecordLink } from '../upstream/record-link.ts';

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
      const resources = isBundle(bundle) ? (bundle.entry ?? []).map((entry) => entry.resource) : [];
      return resources.filter((resource) => resource !== undefined);
    }),
  );
  const patients = found.flat().filter((resource) => resource.resourceType !== 'OperationOutcome');
  for (const patient of patients) {
    const numbers = nhsNumbersOf(patient['identifier']);
    if (patient.resourceType !== 'Patient' || !numbers.some((number) => nhsNumbers.has(number))) {
      throw new EvidenceError('wrong-subject', 'Patient');
    }
  }
  return patients;
}
