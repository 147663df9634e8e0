import type { Deadline } from '../../deadline.ts';
import { DeliveryError } from '../../errors.ts';
import { isBundle, isObject, versionOf, type Bundle, type Resource } from '../../fhir/resource.ts';
import { readEncounter } from '../../routing/encounter.ts';
import type { Seen } from '../feeds/recorded.ts';
import type { AtHand } from './at-hand.ts';

/** What is asked of a record: never more than one thing at a time. */
export interface PolledRecord {
  readonly record: { readonly id: string; readonly base: string };
  get(path: string, deadline: Deadline): Promise<Resource | undefined>;
}

export interface EncounterPage {
  readonly seen: readonly Seen[];
  /** The Encounters that are read here for the first time, each in the version that it has. */
  readonly versions: readonly string[];
  /** How many were not read before, and how many of them cannot be. */
  readonly encounters: number;
  readonly refused: number;
  /** When an Encounter of the page was changed last, as the record dates it. */
  readonly changed: number | undefined;
  /** The address of the next page, on the record's own base. */
  readonly next: string | undefined;
}

/**
 * Reads one page of a record's Encounters; the Patients, organisations and places that they refer to come with it, are at hand,
 * or are read.
 *
 * @throws DeliveryError; `bad-content` for what is no searchset, and for a next page elsewhere
 */
export async function readPage(
  path: string,
  link: PolledRecord,
  atHand: AtHand,
  deadline: Deadline,
  now: number,
): Promise<EncounterPage> {
  const page = await link.get(path, deadline);
  if (!isBundle(page)) throw new DeliveryError('bad-content', link.record.id);
  const resources = (page.entry ?? []).flatMap(({ resource }) => (resource === undefined ? [] : [resource]));
  atHand.addAll(resources);
  const read = (name: string): Promise<Resource | undefined> => link.get(name, deadline);
  const find: Find = (reference) => atHand.find(reference, link.record.base, read);
  const encounters = resources.filter(({ resourceType }) => resourceType === 'Encounter');
  const seen: Seen[] = [];
  /** What is refused is read again while it is asked for: whose it is may be known by then. */
  const versions: string[] = [];
  let refused = 0;
  const news = encounters.filter((one) => !atHand.isDone(versionName(one)));
  for (const encounter of news) {
    const one = await readOne(encounter, find, now);
    if (one === 'refused') {
      refused += 1;
      continue;
    }
    versions.push(versionName(encounter));
    if (one !== 'not-a-sighting') seen.push(one);
  }
  const changed = changedIn(encounters);
  return { seen, versions, encounters: news.length, refused, changed, next: nextOf(page, link.record) };
}

const versionName = (encounter: Resource): string => `${encounter.id} ${versionOf(encounter)}`;

type Find = (reference: string) => ReturnType<AtHand['find']>;

async function readOne(
  encounter: Resource,
  find: Find,
  now: number,
): Promise<Seen | 'not-a-sighting' | 'refused'> {
  const read = readEncounter(await withPlaces(encounter, find), now);
  if (read === 'not-a-sighting') return read;
  if (typeof read === 'string') return 'refused';
  const { subject, organisations, firstSeen, lastSeen } = read;
  const named = 'nhsNumber' in subject ? subject : (await find(subject.reference))?.number;
  if (typeof named !== 'object') return 'refused';
  return { nhsNumber: named.nhsNumber, organisations, firstSeen, lastSeen };
}

/** The same with the codes of what it refers to in the places of the references. */
async function withPlaces(encounter: Resource, find: Find): Promise<Resource> {
  const { location, serviceProvider } = encounter;
  const named = async (reference: unknown): Promise<unknown> => {
    if (!isObject(reference) || reference['identifier'] !== undefined) return reference;
    const text = reference['reference'];
    const place = typeof text === 'string' ? (await find(text))?.place : undefined;
    return place === undefined ? reference : { ...reference, identifier: place };
  };
  const places: unknown[] = [];
  for (const one of Array.isArray(location) ? (location as unknown[]) : []) {
    places.push(isObject(one) ? { ...one, location: await named(one['location']) } : one);
  }
  return { ...encounter, location: places, serviceProvider: await named(serviceProvider) };
}

function changedIn(encounters: readonly Resource[]): number | undefined {
  const times = encounters
    .map(({ meta }) => Date.parse(meta?.lastUpdated ?? ''))
    .filter((at) => !Number.isNaN(at));
  return times.length === 0 ? undefined : Math.max(...times);
}

function nextOf(page: Bundle, { id, base }: PolledRecord['record']): string | undefined {
  const url: unknown = (page.link ?? []).find(({ relation }) => relation === 'next')?.url;
  if (url === undefined) return undefined;
  const isOurs = typeof url === 'string' && (url.startsWith(`${base}/`) || url.startsWith(`${base}?`));
  if (!isOurs) throw new DeliveryError('bad-content', id);
  return url;
}
