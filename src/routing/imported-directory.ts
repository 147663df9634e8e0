import type { DirectoryImport, DirectoryVersion, StoredDirectory } from '../store/contracts.ts';
import type { DirectoryKind, OrganisationFacts, OrganisationStatus } from './directory-files/facts.ts';

/** What the imported files say of a code on a day. */
export interface KnownOrganisation extends Omit<OrganisationFacts, 'status'> {
  readonly code: string;
  /** On that day; undefined where no file says. */
  readonly status: OrganisationStatus | 'not-yet-open' | undefined;
  /** The kinds of file that know the code. */
  readonly kinds: readonly DirectoryKind[];
  /** Since when, as far as the files show, what leads from it (commissioner, ICB, parent) has been so; undefined: always. */
  readonly since: string | undefined;
}

interface Version {
  readonly kind: DirectoryKind;
  /** ISO date: the day of the file that shows it. */
  readonly seen: string;
  /** ISO date; the first of its kind stands for all time before as well. */
  readonly from: string;
  readonly isFirst: boolean;
  readonly facts: OrganisationFacts;
}

/** One row of versions, dated twice: an announced move has not moved a practice yet, and may close it meanwhile. */
interface Dated {
  /** From when each counts for what leads from the code. */
  readonly leading: readonly Version[];
  /** From when each counts for all else. */
  readonly telling: readonly Version[];
}

/** Of the kinds, whose name and status count first. */
const TELLING: readonly DirectoryKind[] = [
  'cost-centres',
  'trusts',
  'sub-icbs',
  'icbs',
  'sites',
  'practice-map',
];

/** The directory as it was imported, in memory: what each code was on any day. */
export class ImportedDirectory {
  readonly generation: number;
  readonly imports: readonly DirectoryImport[];
  readonly #versions: ReadonlyMap<string, readonly DirectoryVersion[]>;
  readonly #dated = new Map<string, Dated>();
  /** What was worked out of one day: nearly all questions are about today. */
  #told: { readonly day: string; readonly of: Map<string, KnownOrganisation> } = { day: '', of: new Map() };
  readonly #days: ReadonlyMap<string, readonly string[]>;

  constructor({ generation, versions, imports }: StoredDirectory) {
    this.generation = generation;
    this.imports = imports;
    this.#versions = Map.groupBy(versions, ({ code }) => code);
    this.#days = new Map(
      [...Map.groupBy(imports, ({ kind }) => kind)].map(([kind, of]) => [
        kind,
        of.map(({ date }) => date).sort(),
      ]),
    );
  }

  /** Those that any file names, or a file of one kind does. */
  codes(kind?: DirectoryKind): string[] {
    const found = [...this.#versions].filter(
      ([, of]) => kind === undefined || of.some((one) => one.kind === kind),
    );
    return found.map(([code]) => code).sort();
  }

  /** What files of a kind said last of a code. */
  factsOf(kind: DirectoryKind, code: string): OrganisationFacts | undefined {
    const versions = (this.#versions.get(code) ?? []).filter((one) => one.kind === kind);
    const [first, ...rest] = versions;
    if (first === undefined) return undefined;
    const last = rest.reduce((latest, one) => (one.seen > latest.seen ? one : latest), first);
    return JSON.parse(last.facts) as OrganisationFacts;
  }

  /** @param day ISO date @returns undefined for a code that no file names */
  at(code: string, day: string): KnownOrganisation | undefined {
    if (!this.#versions.has(code)) return undefined;
    if (this.#told.day !== day) this.#told = { day, of: new Map() };
    let known = this.#told.of.get(code);
    if (known === undefined) this.#told.of.set(code, (known = this.#workOut(code, day)));
    return known;
  }

  #workOut(code: string, day: string): KnownOrganisation {
    const versions = this.#of(code);
    const kinds = TELLING.filter((kind) => versions.telling.some((one) => one.kind === kind));
    const inForce = kinds.map((kind) =>
      inForceOn(
        versions.telling.filter((one) => one.kind === kind),
        day,
      ),
    );
    const telling = inForce
      .map((one) => one?.facts)
      .find((facts) => facts?.status !== undefined || facts?.opened);
    // Of files of several kinds the one that says last where a code leads.
    const leading = inForceOn(
      versions.leading.filter(({ facts }) => leads(facts)),
      day,
    );
    const first = inForce[0]?.facts;
    const facts = { ...leading?.facts, ...first, ...telling, ...leadsOf(leading?.facts) };
    return {
      ...withoutStatus(facts),
      ...{ code, kinds, name: first?.name ?? code, status: statusOn(telling, day) },
      since: leading === undefined || leading.isFirst ? undefined : leading.from,
    };
  }

  #of(code: string): Dated {
    let dated = this.#dated.get(code);
    if (dated !== undefined) return dated;
    const rows = [...Map.groupBy(this.#versions.get(code) ?? [], ({ kind }) => kind).values()];
    dated = {
      leading: rows.flatMap((row) => this.#datedBy('joined', row)),
      telling: rows.flatMap((row) => this.#datedBy('closed', row)),
    };
    this.#dated.set(code, dated);
    return dated;
  }

  /**
   * A change dates from the day that the file names for it, else from the day of the first file that shows it. A closing that is
   * announced is told at once: its own date says when.
   */
  #datedBy(named: 'joined' | 'closed', row: readonly DirectoryVersion[]): Version[] {
    const days = this.#days.get(row[0]?.kind ?? '') ?? [];
    const versions = row
      .toSorted((one, other) => (one.seen < other.seen ? -1 : 1))
      .map(({ kind, seen, facts: text }, nth) => {
        const facts = JSON.parse(text) as OrganisationFacts;
        const lastBefore = nth === 0 ? '' : (days.findLast((day) => day < seen) ?? '');
        const date = facts[named];
        const counts = date !== undefined && date > lastBefore && (named === 'joined' || date < seen);
        return { kind: kind as DirectoryKind, seen, facts, from: counts ? date : seen };
      });
    return stillSaid(versions).map((version, nth) => ({ ...version, isFirst: nth === 0 }));
  }
}

/** What was announced, and a later file does not say any more by then, has not come to pass. @param row oldest file first */
function stillSaid<One extends Pick<Version, 'seen' | 'from'>>(row: readonly One[]): One[] {
  let withdrawnAfter = '9999-12-31';
  return row
    .toReversed()
    .filter(({ seen, from }) => {
      const isSaid = from <= withdrawnAfter;
      withdrawnAfter = [withdrawnAfter, seen, from].sort()[0] ?? seen;
      return isSaid;
    })
    .reverse();
}

/** Nothing was imported. */
export const NOTHING_IMPORTED = new ImportedDirectory({ generation: 0, versions: [], imports: [] });

/** The last that began by then; else the first of all, which stands for the time before too. */
function inForceOn(versions: readonly Version[], day: string): Version | undefined {
  const begun = versions.filter(({ from }) => from <= day);
  const [first, ...rest] = begun.length > 0 ? begun : versions;
  if (first === undefined) return undefined;
  return begun.length > 0
    ? rest.reduce((last, one) => (one.from >= last.from ? one : last), first)
    : rest.reduce((earliest, one) => (one.from < earliest.from ? one : earliest), first);
}

function leads({ subIcb, icb, parent }: OrganisationFacts): boolean {
  return (subIcb ?? icb ?? parent) !== undefined;
}

function leadsOf(facts: OrganisationFacts | undefined): Partial<OrganisationFacts> {
  if (facts === undefined) return {};
  const { subIcb, icb, parent } = facts;
  return {
    ...(subIcb === undefined ? {} : { subIcb }),
    ...(icb === undefined ? {} : { icb }),
    ...(parent === undefined ? {} : { parent }),
  };
}

function withoutStatus({ status: _, ...facts }: Partial<OrganisationFacts>): Partial<OrganisationFacts> {
  return facts;
}

/** By its dates where it has them: an announced closing has not closed it, nor has it been open before it opened. */
function statusOn(facts: OrganisationFacts | undefined, day: string): KnownOrganisation['status'] {
  if (facts === undefined) return undefined;
  const { status = 'open', opened = '', closed } = facts;
  if (closed !== undefined && day > closed) return 'closed';
  if (day < opened) return 'not-yet-open';
  return status === 'closed' && closed !== undefined ? 'open' : status;
}
