import type { AuditTrail } from '../audit/trail.ts';
import type { Agreement } from '../config/schema.ts';
import type { Sender } from '../evidence/query.ts';
import type { Sealer } from '../evidence/seal.ts';
import type { Log } from '../log.ts';
import type { Directory } from '../routing/directory.ts';
import type { RouteFacts } from '../routing/plan.ts';
import type { RegistrationSource } from '../routing/registration.ts';
import type { CareLocationStore } from '../store/contracts.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import type { NeighbourLink } from '../upstream/neighbour-link.ts';
import type { Door } from './authenticate-viewer.ts';

/** Everything the asking journey stands on. */
export interface Requesting {
  readonly region: string;
  readonly ownRecords: readonly string[];
  /** The root of our address as viewers see it; `/fhir` and `/regions/...` lie below it. */
  readonly publicBase: () => string;
  readonly door: Door;
  readonly directory: Directory;
  readonly registrations: RegistrationSource;
  readonly careLocations: CareLocationStore;
  readonly withoutRegistration: RouteFacts['withoutRegistration'];
  readonly neighbours: Neighbours;
  readonly links: ReadonlyMap<string, NeighbourLink>;
  /** The agreement with a region if it is in force now. */
  readonly agreementWith: (region: string) => Agreement | undefined;
  readonly sender: Sender;
  readonly audit: AuditTrail;
  readonly patientDigest: (nhsNumber: string) => string;
  readonly pages: Sealer;
  readonly budgets: { readonly bundle_ms: number; readonly stream_ms: number; readonly document_ms: number };
  readonly now: () => number;
  readonly log: Log;
}
