import type { CheckpointWatch } from '../audit/witnessing/checkpoint-watch.ts';
import type { ProofCollector } from '../audit/inclusion/proof-collector.ts';
import type { LocateTrail } from '../audit/locate-trail.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { AuditReading } from './find-audit-events.ts';
import type { Agreement } from '../config/schema.ts';
import type { Sender } from '../evidence/query.ts';
import type { Sealer } from '../evidence/seal.ts';
import type { Log } from '../log.ts';
import type { Spans } from '../span.ts';
import type { Planning } from '../routing/plan-for.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import type { NeighbourLink } from '../upstream/neighbour-link.ts';
import type { Door } from './authenticate-viewer.ts';
import type { OnToldAnswer } from './count-told.ts';

/** Everything the asking journey stands on. */
export interface Requesting extends Planning {
  /** The root of our address as viewers see it; `/fhir` and `/regions/...` lie below it. */
  readonly publicBase: () => string;
  readonly door: Door;
  readonly neighbours: Neighbours;
  readonly links: ReadonlyMap<string, NeighbourLink>;
  /** The agreement with a region if it is in force now. */
  readonly agreementWith: (region: string) => Agreement | undefined;
  readonly sender: Sender;
  readonly audit: AuditTrail;
  /** The region's logs, for auditors. */
  readonly auditReading: AuditReading;
  /** Holds a neighbour's checkpoint against what we know of its log. */
  readonly checkpoints: Pick<CheckpointWatch, 'seen'>;
  /** Fetches, later, the proof that a responder's log holds its response. */
  readonly proofs: Pick<ProofCollector, 'await'>;
  readonly pages: Sealer;
  readonly budgets: {
    readonly bundle_ms: number;
    readonly stream_ms: number;
    readonly document_ms: number;
    readonly locate_ms: number;
  };
  readonly locateAudit: LocateTrail;
  /** What to do when the patient's home region does not tell who else holds something. */
  readonly withoutLocate: 'ask-known' | 'ask-all-agreed';
  readonly onToldAnswer: OnToldAnswer;
  readonly spans: Spans;
  readonly log: Log;
}
