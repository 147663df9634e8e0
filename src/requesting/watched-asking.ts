import { toldType } from '../fhir/told-type.ts';
import type { FactsOf } from '../span.ts';
import type { RegionAnswer } from './region-answer.ts';
import type { RegionQuery } from './region-query.ts';

type AskFacts = FactsOf<'ask-region'>;

/** What who watches is told of a region that is about to be asked. */
export function askedOf({ region, asked, query }: RegionQuery): AskFacts {
  const { search, read } = query?.claims ?? {};
  const types = search?.map(({ id }) => id) ?? read?.resource.split('/').slice(0, 1) ?? [];
  return { region, asked, types: types.map(toldType), query: query?.jti };
}

/** And of what came of that. */
export function becameOf(
  { outcome, reason, fault, responded, jti }: RegionAnswer,
  { query }: RegionQuery,
): AskFacts {
  return { outcome, reason, fault, responded, query: jti, retried: jti !== query?.jti };
}
