import type { Deadline } from '../../deadline.ts';
import { DeliveryError } from '../../errors.ts';
import { localReference } from '../../fhir/references.ts';
import { isBundle, versionOf, type Bundle, type Resource } from '../../fhir/resource.ts';
import { numberOfPatient, readEncounter } from '../../routing/encounter.ts';
import type { Seen } from '../feeds/recorded.ts';

/** What is asked of a record: never more than one thing at a time. */
export interface PolledRecord {
  readonly record: { readonly id: string; readonly base: string };
  get(path: string, deadline: Deadline): Promise<Resource | undefined>;
}

export interface EncounterPage {
  readonly seen: readonly Seen[];
  /** The Encounters that are read here for the first time, each in the version that it has; and how many of them cannot be. */
  readonly versions: readonly string[];
  readonly refused: number;
  /** When an Encounter of the page was changed last, as the record dates it. */
  readonly changed: number | undefined;
  /** The address of the next page, on the record's own base. */
  readonly next: string | undefined;
}

type Named = ReturnType<typeof numberOfPatient>;
const MOST_KNOWN = 10_000;
const MOST_DONE = 100_000;

/** What is at hand of a record: the numbers of some thousand Patients, and which Encounters were recorded lately. */
export class AtHand {
  readonly #known = new Map<string, Named>();
  readonly #done = new Set<string>();

  get(name: string): Named | undefined {
    return this.#known.get(name);
  }

  add(name: string, named: Named): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(name, named);
  }

  /** What is asked for again because of the overlap is no news. */
  isDone(version: string): boolean {
    return this.#done.has(version);
  }

  setDone(versions: readonly string[]): void {
    if (this.#done.size >= MOST_DONE) this.#done.clear();
    for (const version of versions) this.#done.add(version);
  }
}

/**
 * Reads one page of a record's Encounters; the Patients whom they refer to come with it, are known, or are read.
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
  for (const one of resources) {
    if (one.resourceType === 'Patient') atHand.add(`Patient/${one.id}`, numberOfPatient(one));
  }
  const encounters = resources.filter(({ resourceType }) => resourceType === 'Encounter');
  const seen: Seen[] = [];
  let refused = 0;
  const news = encounters.filter((one) => !atHand.isDone(versionName(one)));
  for (const encounter of news) {
    const read = readEncounter(encounter, now);
    if (read === 'not-a-sighting') continue;
    const named = typeof read === 'string' ? read : await numberOf(read.subject, link, atHand, deadline);
    if (typeof read === 'string' || typeof named === 'string') refused += 1;
    else seen.push({ ...read, nhsNumber: named.nhsNumber });
  }
  const changed = changedIn(encounters);
  return { seen, versions: news.map(versionName), refused, changed, next: nextOf(page, link.record) };
}

const versionName = (encounter: Resource): string => `${encounter.id} ${versionOf(encounter)}`;

async function numberOf(
  subject: { readonly nhsNumber: string } | { readonly reference: string },
  link: PolledRecord,
  atHand: AtHand,
  deadline: Deadline,
): Promise<Named> {
  if ('nhsNumber' in subject) return subject;
  const local = localReference(subject.reference, [link.record.base]);
  if (local?.type !== 'Patient') return 'nhs-number-missing';
  const name = `Patient/${local.id}`;
  const before = atHand.get(name);
  if (before !== undefined) return before;
  const named = numberOfPatient(await link.get(name, deadline));
  atHand.add(name, named);
  return named;
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
