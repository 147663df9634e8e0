import { isObject } from '../../fhir/resource.ts';
import type { CareLocation } from '../demo-data.ts';
import { HOSPITALS, RECORDS, recordsOf, REGION_IDS, type RecordId } from '../places.ts';
import type { Settled } from './settle.ts';

/**
 * Which record gets which groups. Home always gets the patient; the first encounter goes abroad, then turns go
 * round home and two regions abroad. What has no encounter stays at home.
 */
export function placed(groups: readonly Settled[][], home: RecordId, turn: number): Map<RecordId, Settled[]> {
  const region = RECORDS[home].region;
  const abroad = REGION_IDS.filter((candidate) => candidate !== region).flatMap((candidate, place) => {
    const choice = recordsOf(candidate);
    return choice.slice((turn + place) % choice.length).slice(0, 1);
  });
  const first = abroad[turn % abroad.length] ?? home;
  const second = abroad[(turn + 1) % abroad.length] ?? home;
  const alsoHome = recordsOf(region).find((record) => record !== home) ?? home;
  const rota = [first, home, second, home, alsoHome, home];
  const result = new Map<RecordId, Settled[]>([[home, []]]);
  let episodes = 0;
  for (const group of groups) {
    const isEpisode = group.some(({ resource }) => resource.resourceType === 'Encounter');
    const record = (isEpisode ? rota[episodes++ % rota.length] : undefined) ?? home;
    result.set(record, [...(result.get(record) ?? []), ...group]);
  }
  return result;
}

/** What the home region knows of the encounters in a record of another region. */
export function stayOf(
  record: RecordId,
  home: RecordId,
  entries: readonly Settled[],
  nhsNumber: string,
): CareLocation[] {
  if (RECORDS[record].region === RECORDS[home].region) return [];
  const days = entries
    .filter(({ resource }) => resource.resourceType === 'Encounter')
    .flatMap(({ resource }) => (isObject(resource['period']) ? Object.values(resource['period']) : []))
    .filter((day) => typeof day === 'string')
    .map((day) => day.slice(0, 10))
    .sort();
  const firstSeen = days[0] ?? entries[0]?.resource.meta?.lastUpdated?.slice(0, 10) ?? '1900-01-01';
  const [hospital] = HOSPITALS[record];
  return [{ nhsNumber, organisation: hospital.ods, firstSeen, lastSeen: days.at(-1) ?? firstSeen }];
}
