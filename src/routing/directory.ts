/** One dated span, ISO dates; open ends are always. */
interface Span {
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}

/** What the directory file holds: see `config/directory.yaml`. */
export interface DirectoryData {
  readonly regions: readonly {
    readonly id: string;
    readonly name: string;
    readonly sub_icbs: readonly ({ readonly code: string } & Span)[];
  }[];
  /** GP practice -> the sub-ICB location that commissions it. */
  readonly practices: Readonly<Record<string, string>>;
  readonly organisations: readonly {
    readonly code: string;
    readonly name: string;
    readonly feeds: readonly ({ readonly region: string; readonly record?: string | undefined } & Span)[];
  }[];
}

/** Where a practice leads: to a region, or why not. */
export type PracticePlace =
  | { readonly kind: 'region'; readonly region: string; readonly subIcb: string }
  | { readonly kind: 'outside'; readonly subIcb: string }
  | { readonly kind: 'unknown' };

/** What leads to a region: sub-ICB locations, practices, organisations and sites, each with dates. */
export class Directory {
  #data: DirectoryData;
  #organisations: ReadonlyMap<string, DirectoryData['organisations'][number]>;

  constructor(data: DirectoryData) {
    this.#data = data;
    this.#organisations = byCode(data);
  }

  /** From now on this is what it holds: regions are enrolled while the broker runs. */
  replace(data: DirectoryData): void {
    this.#data = data;
    this.#organisations = byCode(data);
  }

  regions(): { id: string; name: string }[] {
    return this.#data.regions.map(({ id, name }) => ({ id, name }));
  }

  nameOf(region: string): string {
    return this.#data.regions.find((entry) => entry.id === region)?.name ?? region;
  }

  /** @param at milliseconds since the epoch */
  practice(code: string, at: number): PracticePlace {
    const subIcb = Object.hasOwn(this.#data.practices, code) ? this.#data.practices[code] : undefined;
    if (subIcb === undefined) return { kind: 'unknown' };
    const region = this.#data.regions.find((entry) =>
      entry.sub_icbs.some((span) => span.code === subIcb && covers(span, at)),
    );
    return region ? { kind: 'region', region: region.id, subIcb } : { kind: 'outside', subIcb };
  }

  /** The regions that hold an organisation's data at `at`; the most specific code wins; empty when unknown. */
  feeds(code: string, at: number): { region: string; record?: string | undefined }[] {
    const entry = this.#organisations.get(code) ?? this.#organisations.get(code.slice(0, 3));
    return (entry?.feeds ?? [])
      .filter((span) => covers(span, at))
      .map(({ region, record }) => ({ region, record }));
  }

  /** True when `organisation` (a practice, a trust or its site) lies in what a broker says it covers. */
  inCoverage(
    coverage: { readonly sub_icbs: readonly string[]; readonly organisations: readonly string[] },
    organisation: string,
    at: number,
  ): boolean {
    if (
      coverage.organisations.includes(organisation) ||
      coverage.organisations.includes(organisation.slice(0, 3))
    ) {
      return true;
    }
    const place = this.practice(organisation, at);
    return place.kind !== 'unknown' && coverage.sub_icbs.includes(place.subIcb);
  }
}

function covers(span: Span, at: number): boolean {
  const day = new Date(at).toISOString().slice(0, 10);
  return (span.from ?? '') <= day && day <= (span.until ?? '9999-12-31');
}

function byCode({ organisations }: DirectoryData): Map<string, DirectoryData['organisations'][number]> {
  return new Map(organisations.map((entry) => [entry.code, entry]));
}
