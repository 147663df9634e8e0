import assert from 'node:assert/strict';

import type { Reason } from '../../src/fhir/codes.ts';
import type { FederationOptions, RawConfig, TestFederation } from '../support/federation.ts';
import { matchesOf, rollCallOf, TestViewer, warningsOf } from '../support/viewer.ts';
import { auditEnd, auditRows } from './audit-rows.ts';
import { MARK, startWithLyingLondon, type LyingLondon } from './lying-london.ts';
import { PATIENT, smallData } from './small-data.ts';

const ISSUE = { timeout: 'timeout', busy: 'throttled', throttled: 'throttled' } as Partial<
  Record<Reason, string>
>;

/** A viewer in Hertfordshire whose question goes to a London that lies, and to a Suffolk that does not. */
export class AskedOfLiars {
  readonly federation: TestFederation;
  readonly london: LyingLondon;
  readonly viewer: TestViewer;

  private constructor(federation: TestFederation, london: LyingLondon) {
    this.federation = federation;
    this.london = london;
    this.viewer = new TestViewer(federation, 'herts-west-essex');
  }

  /** @param neighbour settings that Hertfordshire has for London, over a breaker that never opens */
  static async start(neighbour: RawConfig = {}, options: FederationOptions = {}): Promise<AskedOfLiars> {
    const { federation, london } = await startWithLyingLondon({
      data: smallData(),
      ...options,
      edit: (region, config) => {
        options.edit?.(region, config);
        if (region !== 'herts-west-essex') return;
        const settings = (config['neighbours'] as RawConfig[]).find((one) => one['region'] === 'london');
        Object.assign(settings ?? {}, { breaker: { volume_threshold: 1000 } }, neighbour);
      },
    });
    return new AskedOfLiars(federation, london);
  }

  ask() {
    return this.viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
  }

  /**
   * London's part is missing and said to be, everybody else's is there, and the audit has the one row that
   * says why, beside that of a first attempt.
   *
   * @param evidence the code of the check that the answer failed, or of what went wrong on the way
   */
  async assertNotReached(reason: Reason, fault?: string): Promise<void> {
    const from = await auditEnd(this.federation, 'herts-west-essex');
    const { status, body, text } = await this.ask();
    assert.equal(status, 200);
    assert.deepEqual(rollCallOf(body)['london'], ['not-reached', 'care-location', reason]);
    assert.deepEqual(warningsOf(body), [`${ISSUE[reason] ?? 'incomplete'} london not-reached ${reason}`]);
    assert.ok(!text.includes(MARK));
    assert.deepEqual(
      matchesOf(body).map(({ fullUrl }) => fullUrl.split('/regions/')[1]),
      ['essex-suffolk/suffolk-north-east-essex/fhir/Condition/c1'],
    );
    assert.equal('total' in body, false);
    const rows = await auditRows(this.federation, 'herts-west-essex', from);
    const [row, ...more] = rows.filter(
      ({ region, event, retried_as }) =>
        region === 'london' && event !== 'query-sent' && retried_as === undefined,
    );
    const event = reason === 'not-believed' ? 'response-not-believed' : 'not-reached';
    assert.deepEqual([row?.event, row?.reason, row?.count, more.length], [event, reason, 0, 0]);
    if (fault !== undefined) assert.equal(row?.fault, fault);
  }

  /** How London's circuit stands at Hertfordshire. */
  async circuit(region = 'london'): Promise<{ circuit: string; window: { failed: number } }> {
    const { destinations } = await this.federation.broker('herts-west-essex').status();
    const found = destinations.find((one) => one.kind === 'neighbour' && one.name === region);
    if (found === undefined) throw new TypeError(`no neighbour ${region}`);
    return found;
  }

  async stop(): Promise<void> {
    this.viewer.close();
    this.london.close();
    await this.federation.stop();
  }
}
