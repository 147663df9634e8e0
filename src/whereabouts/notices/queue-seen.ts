import type { OnSeen, SeenPatient } from '../../routing/seen-patients.ts';
import type { NoticeParts } from './notice-parts.ts';

const AT_ONCE = 500;

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
    const open = seen.filter(
      ({ organisation }) =>
        !isSensitive(organisation, parts.settings.sensitive_services) && !isOthers(organisation, parts),
    );
    for (let from = 0; from < open.length; from += AT_ONCE)
      await queuePart(open.slice(from, from + AT_ONCE), parts);
    if (open.length > 0) onQueued();
  };
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
  seen: readonly SeenPatient[],
  { register, store, numbers, now }: Queueing,
): Promise<void> {
  const numberOf = new Map(seen.map(({ patient, nhsNumber }) => [patient, nhsNumber]));
  const entries = (await register?.of([...numberOf.keys()])) ?? [];
  for (const { patient, until } of entries) if (until === undefined) numberOf.delete(patient);
  const rows = [...numberOf].map(([patient, nhsNumber]) => ({
    ...{ patient, kind: 'held' as const },
    sealedNumber: numbers.seal(nhsNumber, patient),
  }));
  if (rows.length > 0) await store.noticeQueue.enqueue(rows, now());
}
