import { elsewhereBy, elsewhereByForm, isSpecialAllocation, type Elsewhere } from './commissioners.ts';
import { covers, dayOf, type DirectoryData } from './directory-data.ts';
import type { ImportedDirectory } from './imported-directory.ts';
import { NOTHING_IMPORTED, type KnownOrganisation } from './imported-directory.ts';

export type { DirectoryData } from './directory-data.ts';

/** What is said of a practice beside where it leads. */
interface Passed {
  /** Its last day, where it is closed: old records still name it. */
  readonly closed?: string;
  /** Which practice has gone on with it: where that one leads is said. */
  readonly successor?: string;
}

/** Where a practice leads: to a region, or why not. */
export type PracticePlace = Passed &
  (
    | { readonly kind: 'region'; readonly region: string; readonly subIcb: string }
    | { readonly kind: 'outside'; readonly subIcb: string }
    | {
        readonly kind: Elsewhere;
        readonly subIcb?: string;
        /** Of a practice for patients from afar: the region of the practice, which need not be theirs. */
        readonly region?: string;
      }
    | { readonly kind: 'closed' | 'unknown' }
  );

export interface Feed {
  readonly region: string;
  readonly record?: string | undefined;
}

/** Whose feeds count for an organisation or a site. */
export interface FeedSource {
  /** The code that is listed: its own, its organisation's, or a successor's. */
  readonly code: string;
  readonly name: string;
  readonly feeds: readonly Feed[];
  /** The closed organisation that the code belongs to, and who has gone on with it. */
  readonly succeeded?: { readonly code: string; readonly successor: string };
}

/**
 * What leads to a region: sub-ICB locations, practices, organisations and sites, each with dates. What was imported says which
 * practice belongs to which sub-ICB location and which site to which organisation; the directory file says the rest, and
 * stands in for practices that were not imported.
 */
export class Directory {
  #data: DirectoryData;
  #organisations: ReadonlyMap<string, DirectoryData['organisations'][number]>;
  #imported: ImportedDirectory;

  constructor(data: DirectoryData, imported: ImportedDirectory = NOTHING_IMPORTED) {
    this.#data = data;
    this.#organisations = byCode(data);
    this.#imported = imported;
  }

  /** From now on this is what its file holds: regions are enrolled while the broker runs. */
  replace(data: DirectoryData): void {
    this.#data = data;
    this.#organisations = byCode(data);
  }

  /** From now on this is what was imported. */
  hold(imported: ImportedDirectory): void {
    this.#imported = imported;
  }

  get imported(): ImportedDirectory {
    return this.#imported;
  }

  regions(): { id: string; name: string }[] {
    return this.#data.regions.map(({ id, name }) => ({ id, name }));
  }

  nameOf(region: string): string {
    return this.#data.regions.find((entry) => entry.id === region)?.name ?? region;
  }

  /** The region that covers a sub-ICB location. @param day ISO date */
  regionOf(subIcb: string, day: string): string | undefined {
    return this.#data.regions.find((entry) =>
      entry.sub_icbs.some((span) => span.code === subIcb && covers(span, day)),
    )?.id;
  }

  /** The ICB of a sub-ICB location: by the dated table, else as the imported files had it then. @param day ISO date */
  icbOf(subIcb: string, day: string): string | undefined {
    const listed = this.#data.parentage?.find(
      (span) => span.sub_icbs.includes(subIcb) && covers(span, day),
    )?.icb;
    return listed ?? this.#imported.at(subIcb, day)?.icb;
  }

  /** Whether the dated table names it, on whatever day. */
  isSubIcb(code: string): boolean {
    return (this.#data.parentage ?? []).some((span) => span.sub_icbs.includes(code));
  }

  /** Codes that the directory file names by themselves: practices, organisations and sites. */
  listedCodes(): string[] {
    return [...Object.keys(this.#data.practices), ...this.#organisations.keys()];
  }

  /** Every sub-ICB location that the dated table or an imported file names, with who covers it. @param day ISO date */
  subIcbs(day: string): { code: string; name?: string; icb?: string; region?: string }[] {
    const listed = (this.#data.parentage ?? [])
      .filter((span) => covers(span, day))
      .flatMap((span) => span.sub_icbs);
    const table = new Set((this.#data.parentage ?? []).flatMap((span) => span.sub_icbs));
    const imported = this.#imported
      .codes('sub-icbs')
      .filter((code) => !table.has(code) && isSubIcb(this.#imported.at(code, day)));
    return [...listed, ...imported].sort().map((code) => {
      const [name, icb] = [this.#imported.at(code, day)?.name, this.icbOf(code, day)];
      const region = this.regionOf(code, day);
      return {
        code,
        ...(name === undefined ? {} : { name }),
        ...(icb === undefined ? {} : { icb }),
        ...(region === undefined ? {} : { region }),
      };
    });
  }

  /** @param at milliseconds since the epoch */
  practice(code: string, at: number): PracticePlace {
    const day = dayOf(at);
    const successor = this.#successorOf(code, day);
    const place = this.#placeOf(successor ?? code, day);
    const known = this.#imported.at(code, day);
    return {
      ...place,
      ...(known?.status === 'closed' && known.closed !== undefined ? { closed: known.closed } : {}),
      ...(successor === undefined ? {} : { successor }),
    };
  }

  /** The regions that hold an organisation's data at `at`; the most specific code wins; empty when unknown. */
  feeds(code: string, at: number): Feed[] {
    return [...(this.feedSource(code, at)?.feeds ?? [])];
  }

  /** Whose feeds those are: the first of the site, its organisation, and who has gone on with it, that feeds a region then. */
  feedSource(code: string, at: number): FeedSource | undefined {
    const day = dayOf(at);
    for (const candidate of this.#upwards(code, day)) {
      const successor = this.#successorOf(candidate, day);
      const entry = this.#organisations.get(successor ?? candidate);
      const feeds = (entry?.feeds ?? [])
        .filter((span) => covers(span, day))
        .map(({ region, record }) => ({ region, record }));
      if (entry === undefined || feeds.length === 0) continue;
      const succeeded = successor === undefined ? {} : { succeeded: { code: candidate, successor } };
      return { code: entry.code, name: entry.name, feeds, ...succeeded };
    }
    return undefined;
  }

  /**
   * The organisation that a code is a site of, else the code itself. Of what the directory does not know, five characters that
   * begin with a trust's three (R or T first) are a site of that trust; a practice's code is never cut.
   *
   * @param at milliseconds since the epoch
   */
  organisationOf(code: string, at: number): string {
    const day = dayOf(at);
    const known = this.#imported.at(code, day);
    if (known?.parent !== undefined) return known.parent;
    if (this.#isPractice(code, known)) return code;
    const [, part] = this.#upwards(code, day);
    if (part === undefined) return code;
    const isKnown = this.#organisations.has(part) || this.#imported.at(part, day) !== undefined;
    return isKnown || /^[RT][A-Z0-9]{4}$/.test(code) ? part : code;
  }

  #isPractice(code: string, known: KnownOrganisation | undefined): boolean {
    return (
      Object.hasOwn(this.#data.practices, code) ||
      known?.kinds.some((kind) => kind === 'cost-centres' || kind === 'practice-map') === true ||
      /^[A-Z]\d{5}$/.test(code)
    );
  }

  /** True when `organisation` (a practice, a trust or its site) lies in what a broker says it covers. */
  inCoverage(
    coverage: { readonly sub_icbs: readonly string[]; readonly organisations: readonly string[] },
    organisation: string,
    at: number,
  ): boolean {
    if (this.#upwards(organisation, dayOf(at)).some((code) => coverage.organisations.includes(code)))
      return true;
    const place = this.practice(organisation, at);
    return 'subIcb' in place && place.subIcb !== undefined && coverage.sub_icbs.includes(place.subIcb);
  }

  /**
   * A code and what it is part of, the most specific first: as the imported files have it, else by its first characters.
   * An organisation with five characters is part of nothing.
   */
  #upwards(code: string, day: string): string[] {
    const known = this.#imported.at(code, day);
    if (known?.parent !== undefined) return [code, known.parent];
    if (known?.kinds.includes('trusts')) return [code];
    const cut = [code.slice(0, 5), code.slice(0, 3)].filter((part) => part.length < code.length);
    const isWhole = (part: string): boolean =>
      part.length === 3 ||
      this.#organisations.has(part) ||
      this.#imported.at(part, day)?.kinds.includes('trusts') === true;
    return code.length > 3 && this.#organisations.has(code) && !this.#isSite(code)
      ? [code]
      : [code, ...cut.filter(isWhole).slice(0, 1)];
  }

  /** Whether a listed code of more than three characters is a site of a listed organisation. */
  #isSite(code: string): boolean {
    return this.#organisations.has(code.slice(0, 3));
  }

  #successorOf(code: string, day: string): string | undefined {
    let found: string | undefined;
    for (const seen = new Set<string>(); !seen.has(found ?? code);) {
      seen.add(found ?? code);
      const next = this.#data.successors?.find(
        (one) => one.code === (found ?? code) && (one.from ?? '') <= day,
      );
      if (next === undefined) break;
      found = next.successor;
    }
    return found;
  }

  #placeOf(code: string, day: string): PracticePlace {
    const known = this.#imported.at(code, day);
    const subIcb =
      known?.subIcb ?? (Object.hasOwn(this.#data.practices, code) ? this.#data.practices[code] : undefined);
    if (subIcb === undefined) return this.#withoutCommissioner(code, known);
    const elsewhere = elsewhereBy(subIcb, this.#imported.at(subIcb, day)?.roles);
    if (elsewhere !== undefined) return { kind: elsewhere, subIcb };
    const isFarAway =
      this.#data.special_allocation?.includes(code) || isSpecialAllocation(known?.name ?? '', known?.roles);
    const region = this.regionOf(subIcb, day);
    if (isFarAway) return { kind: 'special-allocation', subIcb, ...(region === undefined ? {} : { region }) };
    if (region !== undefined) return { kind: 'region', region, subIcb };
    // Where its commissioner has gone as well, nothing tells where its patients are now.
    const isGone = known?.status === 'closed' && !this.#isOpenSubIcb(subIcb, day);
    return isGone ? { kind: 'closed' } : { kind: 'outside', subIcb };
  }

  #isOpenSubIcb(code: string, day: string): boolean {
    const spans = (this.#data.parentage ?? []).filter((span) => span.sub_icbs.includes(code));
    return spans.length > 0
      ? spans.some((span) => covers(span, day))
      : isSubIcb(this.#imported.at(code, day));
  }

  #withoutCommissioner(code: string, known: KnownOrganisation | undefined): PracticePlace {
    if (known?.crownDependency) return { kind: 'crown-dependency' };
    return { kind: elsewhereByForm(code) ?? 'unknown' };
  }
}

function isSubIcb(known: KnownOrganisation | undefined): boolean {
  return (
    known?.kinds.includes('sub-icbs') === true &&
    known.roles?.includes('RO319') === true &&
    known.status !== 'closed'
  );
}

function byCode({ organisations }: DirectoryData): Map<string, DirectoryData['organisations'][number]> {
  return new Map(organisations.map((entry) => [entry.code, entry]));
}
