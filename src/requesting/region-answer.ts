import type { Message, ResourceRef } from '../audit/trail.ts';
import type { Outcome, Reason } from '../fhir/codes.ts';
import type { BundleEntry } from '../fhir/resource.ts';
import type { AskReason } from '../routing/plan.ts';

/** What one record of a region gave to one search, believed and checked. */
export interface SourceAnswer {
  readonly region: string;
  readonly record: string;
  /** The search's id within the question. */
  readonly search: string;
  readonly outcome: Outcome;
  readonly reason?: Reason | undefined;
  readonly matches: readonly BundleEntry[];
  readonly includes: readonly BundleEntry[];
  readonly total?: number | undefined;
  readonly cursor?: string | undefined;
  readonly asOf?: string | undefined;
}

/** What became of asking one region. */
export interface RegionAnswer {
  readonly region: string;
  readonly asked: readonly AskReason[];
  readonly outcome: Outcome;
  readonly reason?: Reason | undefined;
  readonly sources: readonly SourceAnswer[];
  readonly settingsNotOffered: readonly string[];
  /** True when the region gave a response that was believed, whatever it says. */
  readonly responded: boolean;
  readonly jti: string | undefined;
  /** Milliseconds from the plan to this answer. */
  readonly ms: number;
  /** The response that was believed, and everything of it that may be used. */
  readonly believed?: { readonly response: Message; readonly resources: readonly ResourceRef[] } | undefined;
  /** A response that came and was not believed, as it travelled: what it is kept for is the neighbour's own signature. */
  readonly unbelieved?: string | undefined;
  /** Code of the check that the response failed, or of why there was none. */
  readonly fault?: string | undefined;
  /** Nothing of an answer came, and there is time to ask once more. */
  readonly mayAskAgain?: true | undefined;
}

/** A source's key within one merged page. */
export function sourceKey(source: { region: string; record: string; search: string }): string {
  return `${source.region} ${source.record} ${source.search}`;
}
