import type { WayleaveError } from '../errors.ts';
import type { ResourceRef } from '../audit/trail.ts';
import type { ResponseClaims, Source } from '../evidence/claims.ts';
import { resourceDigest } from '../evidence/digests.ts';
import { errorOutcome } from '../fhir/operation-outcome.ts';
import { nameOf, versionOf, type Bundle, type Resource } from '../fhir/resource.ts';
import type { Permission } from './decide-sharing.ts';
import type { RecordAnswer } from './record-answer.ts';
import { settingsLeftOut } from './release.ts';

/** What goes out: the body's bytes and the signed response that binds them to the query. */
export interface SignedAnswer {
  /** As the signed response says them. */
  readonly outcome: string;
  readonly reason?: string | undefined;
  readonly status: number;
  readonly token: string;
  readonly bytes: Buffer;
}

/** One searchset for all records and searches, entries in the order of `sources`. */
export function answerBody(permission: Permission, records: readonly RecordAnswer[]) {
  const sources = records.flatMap((record) => record.sources);
  const entry = records.flatMap((record) => record.entries);
  const bundle: Bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(entry.length > 0 ? { entry } : {}),
  };
  const left = settingsLeftOut(permission.agreement);
  return {
    outcome: overall(sources),
    status: 200,
    sources,
    ...(left.length > 0 ? { settings_not_offered: left } : {}),
    bytes: Buffer.from(JSON.stringify(bundle)),
    resources: records.flatMap(({ record, entries }) =>
      entries.map(({ resource }) => refTo(record, resource)),
    ),
  };
}

function refTo(record: string, resource: Resource): ResourceRef {
  return {
    ...{ record, resource: nameOf(resource), version: versionOf(resource) },
    digest: resourceDigest(resource),
  };
}

/** The same bytes whether or not anything is held: nothing is said, not even how many sources there are. */
export function withheldBody() {
  const bundle: Bundle = { resourceType: 'Bundle', type: 'searchset' };
  return { outcome: 'withheld', status: 200, bytes: Buffer.from(JSON.stringify(bundle)) } as const;
}

export function refusalBody(error: WayleaveError) {
  return {
    outcome: 'refused',
    status: error.publicForm.status,
    reason: error.code,
    bytes: Buffer.from(JSON.stringify(errorOutcome(error))),
  } as const;
}

/** One word for all sources of a region, or of a record: the same where they agree, else `partial`, since something is there and not all. */
export function overall(sources: readonly Source[]): ResponseClaims['outcome'] {
  const kinds = new Set(sources.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'not-offered'));
  if (kinds.size === 0) return 'not-offered';
  if ([...kinds].every((kind) => kind === 'answered' || kind === 'none')) {
    return kinds.has('answered') ? 'answered' : 'none';
  }
  const [only, ...others] = kinds;
  // Alone, `withheld` is the answer that has no sources: here something is told of each.
  return others.length === 0 && only !== undefined && only !== 'withheld' ? only : 'partial';
}
