import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import type { AuditEvent } from '../../src/audit/balp/audit-event.ts';
import { AuditTrail } from '../../src/audit/trail.ts';
import { auditLogIn, openStore } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { ViewerClaims } from '../../src/evidence/viewer-token.ts';
import type { Bundle } from '../../src/fhir/resource.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { errorCode, TestViewer, type Reply } from '../support/viewer.ts';
import { nextOf } from './following-pages.ts';
import { NEIGHBOUR_PATIENT, NOWHERE_PATIENT, PATIENT, smallData } from './small-data.ts';

export const REGION: RegionId = 'herts-west-essex';
/** Claims of an auditor of one patient, and of one who need not name any. */
export const ONE = { reason_for_request: 'audit', requesting_user_role: 'R8009' };
export const ANY = { reason_for_request: 'audit', requesting_user_role: 'R8010', patient: '*' };
export const SINCE = `date=ge${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)}`;
export const OF_PATIENT = `/fhir/AuditEvent?patient=${PATIENT}&${SINCE}`;
/** How often NOWHERE_PATIENT was asked about in vain: more entries than one request looks at. */
export const REFUSED = 2_110;

export function withAuditors(_region: RegionId, config: RawConfig): void {
  for (const viewer of config['viewers'] as RawConfig[])
    viewer['auditors'] = { one_patient: ['R8009'], any_patient: ['R8010'] };
}

/** Two patients were asked about, and a viewer of theirs has auditors. */
export class Audited {
  readonly federation: TestFederation;
  readonly viewer: TestViewer;
  /** As a parameter: what was there before anybody searched, because searches are entries too. */
  readonly until: string;

  private constructor(federation: TestFederation, viewer: TestViewer, until: string) {
    this.federation = federation;
    this.viewer = viewer;
    this.until = until;
  }

  static async start(): Promise<Audited> {
    const federation = await startFederation({ data: smallData(), edit: withAuditors });
    const viewer = new TestViewer(federation, REGION);
    for (const patient of [PATIENT, NEIGHBOUR_PATIENT]) {
      for (const type of ['Condition', 'Observation', 'Flag'])
        await viewer.ask(patient, `/fhir/${type}?patient=${patient}`);
    }
    await withSecondReplica(federation);
    await delay(5);
    return new Audited(federation, viewer, `date=lt${new Date().toISOString()}`);
  }

  async stop(): Promise<void> {
    this.viewer.close();
    await this.federation.stop();
  }

  async ask(claims: Partial<ViewerClaims>, path: string, patient = PATIENT): Promise<Reply> {
    return this.viewer.ask(patient, path, { token: await this.viewer.token(patient, claims) });
  }

  /** The body of a refusal with this status and code. */
  async refused(claims: Partial<ViewerClaims>, path: string, status: number, code: string) {
    const reply = await this.ask(claims, path);
    assert.deepEqual(
      [reply.status, reply.body.resourceType, errorCode(reply.body)],
      [status, 'OperationOutcome', code],
    );
    return reply.body;
  }

  /** Every page from `path` on. */
  async follow(claims: Partial<ViewerClaims>, path: string, patient = PATIENT): Promise<AuditEvent[][]> {
    const pages: AuditEvent[][] = [];
    for (let next: string | undefined = path; next !== undefined;) {
      const reply: Reply = await this.ask(claims, next, patient);
      assert.equal(reply.status, 200);
      pages.push(eventsIn(reply));
      assert.ok(pages.length < 100, 'the pages do not end');
      next = nextOf(reply.body);
    }
    return pages;
  }
}

export function eventsIn({ body }: Reply): AuditEvent[] {
  return ((body as Bundle).entry ?? []).map(({ resource }) => resource as AuditEvent);
}

/** Entries of another replica of the same region, in its own log of the one store. */
async function withSecondReplica(federation: TestFederation): Promise<void> {
  const config = { ...federation.config(REGION), replica: '2' };
  const store = await openStore(config);
  try {
    const log = await auditLogIn(store, config, loadSecrets(config.secretsDirectory));
    const trail = new AuditTrail(log, store.log, Date.now);
    const refuse = (nhsNumber: string, nth: number): Promise<void> =>
      trail.viewerRefused({ exchange: `other-${nth}`, nhsNumber }, 'role-refused');
    for (let nth = 0; nth < 4; nth += 1) await refuse(PATIENT, nth);
    await Promise.all(Array.from({ length: REFUSED }, (_item, nth) => refuse(NOWHERE_PATIENT, nth)));
  } finally {
    await store.close();
  }
}
