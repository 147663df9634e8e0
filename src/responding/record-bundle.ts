import { DeliveryError, EvidenceError } from '../errors.ts';
import { isBundle, isObject, type Bundle, type BundleEntry, type Resource } from '../fhir/resource.ts';

/** An entry that holds a resource of the record itself. */
export type RecordEntry = BundleEntry & { readonly resource: Resource & { readonly id: string } };

/** FHIR issue types by which a record says that it did not give all. */
const SHORTFALL = new Set([
  'incomplete',
  'timeout',
  'throttled',
  'suppressed',
  'too-costly',
  'transient',
  'exception',
]);

/** @throws DeliveryError `bad-content`: an answer that is no searchset is no answer, and not "none held" */
export function asSearchset(answer: Resource | undefined, record: string): Bundle {
  if (!isBundle(answer)) throw new DeliveryError('bad-content', record);
  return answer;
}

/**
 * The entries of a record's searchset that are records: its own remarks (OperationOutcome) are not.
 *
 * @throws EvidenceError `bad-bundle` for a resource without an id, or one that the record says lies on another
 *   server: neither can be told apart from others, nor can its references be read
 */
export function entriesIn(bundle: Bundle, base: string): RecordEntry[] {
  return (bundle.entry ?? []).filter((entry): entry is RecordEntry => {
    const { resource, search, fullUrl } = entry;
    if (
      resource === undefined ||
      search?.mode === 'outcome' ||
      resource.resourceType === 'OperationOutcome'
    ) {
      return false;
    }
    if (resource.id === undefined) throw new EvidenceError('bad-bundle', 'a resource without an id');
    const elsewhere = fullUrl !== undefined && /^https?:/i.test(fullUrl) && !fullUrl.startsWith(`${base}/`);
    if (elsewhere) throw new EvidenceError('bad-bundle', 'a resource of another server');
    return true;
  });
}

/** True when the record itself says that its answer is not whole. */
export function saysIncomplete(bundle: Bundle): boolean {
  const outcomes = (bundle.entry ?? []).filter(
    (entry) => entry.resource?.resourceType === 'OperationOutcome',
  );
  return outcomes
    .flatMap((entry) =>
      Array.isArray(entry.resource?.['issue']) ? (entry.resource['issue'] as unknown[]) : [],
    )
    .some(
      (issue) =>
        isObject(issue) &&
        (issue['severity'] === 'error' ||
          issue['severity'] === 'fatal' ||
          SHORTFALL.has(String(issue['code']))),
    );
}
