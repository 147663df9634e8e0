import type { DirectoryChange, DirectoryVersion, StoredDirectory } from '../store/contracts.ts';
import type { DirectoryRead, OrganisationFacts } from './directory-files/facts.ts';

/** What an import makes of one organisation. */
export interface ImportedChange {
  readonly code: string;
  readonly what: 'new' | 'closed' | 'moved' | 'changed' | 'earlier';
  readonly before?: OrganisationFacts;
  readonly after: OrganisationFacts;
}

export interface PlannedImport {
  readonly change: Pick<DirectoryChange, 'add' | 'remove'>;
  readonly changes: readonly ImportedChange[];
  /** How many are as they were known to be. */
  readonly same: number;
  /** How many are known from other files of this kind and not in this one: nothing is changed about them. */
  readonly absent: number;
}

/**
 * The directory as it was stored, with what is planned to be imported: files are planned one after another, and stored together.
 *
 * What files of one kind say of one organisation is a row of versions, each in force from the day of the first file that says
 * it. So the order in which files are imported makes no difference: a file older than others goes in at its own day, and what
 * the others say counts again from theirs.
 */
export class DirectoryDraft {
  readonly #stored: ReadonlySet<DirectoryVersion>;
  readonly #versions = new Map<string, DirectoryVersion[]>();
  /** By kind: the days of its files, oldest first. */
  readonly #days = new Map<string, string[]>();

  constructor({ versions, imports }: Pick<StoredDirectory, 'versions' | 'imports'>) {
    this.#stored = new Set(versions);
    for (const version of versions) this.#of(version.kind, version.code).push(version);
    for (const row of this.#versions.values()) row.sort((one, other) => (one.seen < other.seen ? -1 : 1));
    for (const { kind, date } of imports) this.#addDay(kind, date);
  }

  /**
   * @param day ISO date: the day that the file shows
   * @param of whether it lists all that there are of its kind, or some that have changed
   */
  take(
    { kind, organisations }: Pick<DirectoryRead, 'kind' | 'organisations'>,
    day: string,
    of: 'all' | 'some' = 'all',
  ): PlannedImport {
    const before = new Set(this.#all());
    const changes: ImportedChange[] = [];
    for (const [code, facts] of organisations) {
      const change = this.#observe(kind, code, day, facts);
      if (change !== undefined) changes.push(change);
    }
    // Only a file of all says, of what it says nothing new of, that it is as it was.
    if (of === 'all') this.#addDay(kind, day);
    const codes = new Set([...before].filter((one) => one.kind === kind).map(({ code }) => code));
    return {
      change: this.#changeSince(before),
      changes,
      same: organisations.size - changes.length,
      absent: [...codes].filter((code) => !organisations.has(code)).length,
    };
  }

  /** All that was planned, to be stored at once. */
  change(): Pick<DirectoryChange, 'add' | 'remove'> {
    return this.#changeSince(this.#stored);
  }

  versions(): DirectoryVersion[] {
    return [...this.#all()];
  }

  #observe(kind: string, code: string, day: string, facts: OrganisationFacts): ImportedChange | undefined {
    const row = this.#of(kind, code);
    const text = JSON.stringify(Object.fromEntries(Object.entries(facts).sort(byName)));
    const place = row.findLastIndex(({ seen }) => seen <= day);
    const current = row[place];
    if (current?.facts === text) return undefined;
    const next = row[place + 1];
    // What was said before goes on from the first later file, which said it too.
    const later = this.#days.get(kind)?.find((date) => date > day && date < (next?.seen ?? '9999'));
    const resumed = current !== undefined && later !== undefined ? [{ ...current, seen: later }] : [];
    const isReplaced = current?.seen === day;
    const previous = isReplaced ? row[place - 1] : current;
    const own = previous?.facts === text ? [] : [{ code, kind, seen: day, facts: text }];
    const isNextSame = resumed.length === 0 && next?.facts === text;
    row.splice(
      isReplaced ? place : place + 1,
      (isReplaced ? 1 : 0) + (isNextSame ? 1 : 0),
      ...own,
      ...resumed,
    );
    const before = current === undefined ? undefined : (JSON.parse(current.facts) as OrganisationFacts);
    const isEarlier = next !== undefined || resumed.length > 0;
    return {
      ...{ code, after: facts, what: isEarlier ? 'earlier' : whatChanged(before, facts) },
      ...(before === undefined ? {} : { before }),
    };
  }

  #of(kind: string, code: string): DirectoryVersion[] {
    const key = `${kind} ${code}`;
    let row = this.#versions.get(key);
    if (row === undefined) this.#versions.set(key, (row = []));
    return row;
  }

  #addDay(kind: string, day: string): void {
    const days = this.#days.get(kind) ?? [];
    this.#days.set(kind, [...new Set([...days, day])].sort());
  }

  *#all(): Generator<DirectoryVersion> {
    for (const row of this.#versions.values()) yield* row;
  }

  #changeSince(before: ReadonlySet<DirectoryVersion>): Pick<DirectoryChange, 'add' | 'remove'> {
    const now = new Set(this.#all());
    return {
      remove: [...before].filter((one) => !now.has(one)),
      add: [...now].filter((one) => !before.has(one)),
    };
  }
}

const byName = ([one]: [string, unknown], [other]: [string, unknown]): number => (one < other ? -1 : 1);

function whatChanged(
  before: OrganisationFacts | undefined,
  after: OrganisationFacts,
): ImportedChange['what'] {
  if (before === undefined) return 'new';
  const isClosed = ({ status, closed }: OrganisationFacts): boolean =>
    status === 'closed' || closed !== undefined;
  if (isClosed(after) && !isClosed(before)) return 'closed';
  const leads = ({ subIcb, icb, parent }: OrganisationFacts): string => `${subIcb} ${icb} ${parent}`;
  return leads(before) === leads(after) ? 'changed' : 'moved';
}
