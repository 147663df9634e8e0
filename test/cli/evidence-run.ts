import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readEvidence, type EvidenceFile, formatEvidence } from '../../src/audit/proof/evidence-file.ts';
import type { Step, Verdict } from '../../src/audit/proof/verdict.ts';
import { evidenceCommand } from '../../src/cli/evidence.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { TestFederation } from '../support/federation.ts';
import { called } from './in-process.ts';

/** What `evidence export` writes, which must end well. */
export async function exportedFrom(
  federation: TestFederation,
  region: RegionId,
  id: string,
): Promise<EvidenceFile> {
  const config = join(federation.directory, `${region}.yaml`);
  const { code, out, err } = await called(evidenceCommand, ['export', id, '--config', config]);
  assert.equal(code, 0, err);
  return readEvidence(Buffer.from(out));
}

export interface Verified extends Verdict {
  readonly code: number | null;
  /** As the lines of the command say it. */
  readonly said: string;
  of(check: string): Step[];
}

/** What `evidence verify` says of a file, in words and as JSON. */
export async function verified(
  federation: TestFederation,
  file: EvidenceFile,
  ...options: readonly string[]
): Promise<Verified> {
  const path = join(federation.directory, 'evidence.json');
  writeFileSync(path, formatEvidence(file));
  const { code, out } = await called(evidenceCommand, ['verify', path, '--json', ...options]);
  const words = await called(evidenceCommand, ['verify', path, ...options]);
  assert.equal(words.code, code);
  const verdict = JSON.parse(out) as Verdict;
  const of = (check: string): Step[] => verdict.steps.filter((step) => step.check === check);
  return { ...verdict, code, said: words.out, of };
}
