import type { DirectoryKind, OrganisationFacts } from '../../src/routing/directory-files/facts.ts';
import { DirectoryDraft } from '../../src/routing/plan-directory-import.ts';
import { ImportedDirectory } from '../../src/routing/imported-directory.ts';
import type { DirectoryImport, StoredDirectory } from '../../src/store/contracts.ts';

/** One file: its kind, the day that it shows, and what it says. */
export type Shown = readonly [
  kind: DirectoryKind,
  day: string,
  says: Readonly<Record<string, Partial<OrganisationFacts>>>,
];

/** The directory into which files were imported one after another, each in a step of its own. */
export function importing(files: readonly Shown[]): StoredDirectory {
  let stored: StoredDirectory = { generation: 0, versions: [], imports: [] };
  for (const [kind, day, says] of files) {
    const organisations = new Map(
      Object.entries(says).map(([code, facts]) => [code, { name: code, ...facts }]),
    );
    const draft = new DirectoryDraft(stored);
    draft.take({ kind, organisations }, day);
    const { add, remove } = draft.change();
    const made: DirectoryImport = { kind, date: day, file: '', sha256: day, lines: 1, refused: 0, at: 0 };
    stored = {
      generation: stored.generation + 1,
      versions: [...stored.versions.filter((one) => !remove.includes(one)), ...add],
      imports: [...stored.imports, made].toSorted((one, other) => (one.date < other.date ? -1 : 1)),
    };
  }
  return stored;
}

export const imported = (...files: readonly Shown[]): ImportedDirectory =>
  new ImportedDirectory(importing(files));
