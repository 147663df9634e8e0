import type { OnSeen, SeenPatient } from '../../routing/seen-patients.ts';
import type { NoticeParts } from './notice-parts.ts';

/** Patients of one transaction: some milliseconds, in which nobody else writes to a file. */
const AT_ONCE = 1_000;

type Queueing = Pick<
  NoticeParts,
  'region' | 'directory' | 'register' | 'store' | 'numbers' | 'settings' | 'now'
>;

/**
 * Takes who was seen here into the queue of those whose home is to be told, durably: but who is at home here by our own
 * register, who was seen at a sensitive service alone, and who was seen where others hold what was written down.
 *
 * @param onQueued called when something may have come in
 */
export function queueSeen(parts: Queueing, onQueued: () => void): OnSeen {
  return async (seen) => {
    const open = openIn(seen, parts);
    const numberOf = new Map<string, string>();
    for (const { patient, organisation, nhsNumber } of seen) {
      if (open.has(organisation)) numberOf.set(patient, nhsNumber);
    }
    // In the order of the queue's own tree.
    const patients = [...numberOf.keys()].sort();
    for (let from = 0; from < patients.length; from += AT_ONCE)
      await queuePart(patients.slice(from, from + AT_ONCE), numberOf, parts);
    if (patients.length > 0) onQueued();
  };
}

/** The organisations among these that somebody is told of: a million rows name few. */
function openIn(seen: readonly SeenPatient[], parts: Queueing): Set<string> {
  const organisations = new Set(seen.map(({ organisation }) => organisation));
  for (const one of organisations) {
    if (isSensitive(one, parts.settings.sensitive_services) || isOthers(one, parts))
      organisations.delete(one);
  }
  return organisations;
}

/** True where the directory knows who holds an organisation's data, and it is not us. */
function isOthers(organisation: string, { region, directory, now }: Queueing): boolean {
  const feeds = directory.feeds(organisation, now());
  if (feeds.length > 0) return !feeds.some((feed) => feed.region === region);
  const place = directory.practice(organisation, now());
  return place.kind === 'region' && place.region !== region;
}

/** An entry stands for the organisation and its sites, whose codes begin with its own. */
export function isSensitive(organisation: string, services: readonly string[]): boolean {
  return services.some((code) => organisation.startsWith(code));
}

async function queuePart(
  patients: readonly string[],
  numberOf: ReadonlyMap<string, string>,
  { register, store, numbers, now }: Queueing,
): Promise<void> {
  const at = now();
  const entries = (await register?.of(patients)) ?? [];
  const stay = await store.noticeQueue.stays(patients, 'held', at);
  const left = new Set(stay);
  for (const { patient, until } of entries) if (until === undefined) left.add(patient);
  const rows = patients
    .filter((patient) => !left.has(patient))
    .map((patient) => ({
      ...{ patient, kind: 'held' as const },
      sealedNumber: numbers.seal(numberOf.get(patient) ?? '', patient),
    }));
  // With no rows too: only then is on the disk what another process has put in.
  if (rows.length + stay.length > 0) await store.noticeQueue.enqueue(rows, at);
}
