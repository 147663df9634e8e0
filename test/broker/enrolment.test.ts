import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

import type { RequestError } from '../../src/errors.ts';
import type { TrustDesk } from '../../src/broker/trust-desk.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { statementWith } from '../support/statement.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

/** Registered in Essex and Suffolk. */
const PATIENT = '9990000050';
const PROPOSED = { by: 'officer-1', why: 'the agreement was signed' };
const APPROVED = { by: 'officer-2', why: 'the words were the same' };
const [HWE, ESSEX] = ['herts-west-essex', 'essex-suffolk'] as const;

/** Two regions whose files know nothing of each other, nor does the directory of the first know the second. */
describe('the enrolment of a neighbour', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  const agreements = new Map<RegionId, RawConfig>();
  beforeEach(async () => {
    federation = await startFederation({
      regions: [HWE, ESSEX],
      edit: (region, config) => {
        const neighbours = config['neighbours'] as RawConfig[];
        const other = neighbours.find((one) => one['region'] === (region === HWE ? ESSEX : HWE));
        agreements.set(region, other?.['agreement'] as RawConfig);
        config['neighbours'] = neighbours.filter((one) => one !== other);
      },
    });
    viewer = new TestViewer(federation, HWE);
  });
  afterEach(async () => {
    viewer.close();
    await federation.stop();
  });

  const deskOf = (region: RegionId): TrustDesk => federation.broker(region).trust;
  const ofEssex = async (): Promise<string[] | undefined> => {
    const { body } = await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    return rollCallOf(body)[ESSEX];
  };
  /** As `wayleave trust enrol URL` and `approve` do it. */
  async function enrol(at: RegionId, other: RegionId): Promise<void> {
    const statement = await deskOf(at).fetch(`https://127.0.0.1:${federation.broker(other).ports.statement}`);
    const proposal = await deskOf(at).propose({ statement, agreement: agreements.get(at) }, PROPOSED);
    await deskOf(at).approve(other, proposal.digest, APPROVED);
  }

  it('both ways, without a file or a restart: then it is asked, and answers', async () => {
    assert.deepEqual(await ofEssex(), ['not-asked', 'no-agreement']);
    await enrol(HWE, ESSEX);
    // One side alone is not enough: the other does not know who asks.
    assert.equal((await ofEssex())?.[0], 'not-reached');
    await enrol(ESSEX, HWE);
    assert.deepEqual(await ofEssex(), ['answered', 'registered']);
    const view = deskOf(HWE)
      .list()
      .neighbours.find(({ region }) => region === ESSEX);
    assert.deepEqual([view?.state, view?.source], ['trusted', 'enrolled']);
    assert.equal(view?.agreement?.version, agreements.get(HWE)?.['version']);
  });

  it('lasts over a restart', async () => {
    await enrol(HWE, ESSEX);
    await enrol(ESSEX, HWE);
    await federation.stopBroker(HWE);
    await federation.startBroker(HWE);
    viewer.close();
    viewer = new TestViewer(federation, HWE);
    assert.deepEqual(await ofEssex(), ['answered', 'registered']);
  });

  it('counts for nothing while it is only proposed, and needs another admin', async () => {
    const { token: statement } = await statementWith(federation, ESSEX);
    const desk = deskOf(HWE);
    const shown = await desk.propose({ statement, agreement: agreements.get(HWE) }, PROPOSED);
    assert.deepEqual(await ofEssex(), ['not-asked', 'no-agreement']);
    await assert.rejects(desk.approve(ESSEX, shown.digest, PROPOSED), hasCode('second-admin-needed'));
    await assert.rejects(desk.approve(ESSEX, 'of-another', APPROVED), hasCode('nothing-pending'));
    assert.deepEqual(
      desk
        .list()
        .neighbours.map(({ region }) => region)
        .includes(ESSEX),
      false,
    );
    await desk.decline(ESSEX, shown.digest, APPROVED);
    await assert.rejects(desk.approve(ESSEX, shown.digest, APPROVED), hasCode('nothing-pending'));
  });

  it('by one officer alone is possible where there is one, and stays to be seen', async () => {
    const { token: statement } = await statementWith(federation, ESSEX);
    const desk = deskOf(HWE);
    const shown = await desk.propose({ statement, agreement: agreements.get(HWE) }, PROPOSED);
    await assert.rejects(desk.approve(ESSEX, shown.digest, PROPOSED, true), hasCode('second-admin-needed'));
    const file = join(federation.directory, `${HWE}.yaml`);
    const config = parse(readFileSync(file, 'utf8')) as RawConfig;
    config['admins'] = (config['admins'] as RawConfig[]).filter(({ id }) => id !== 'officer-2');
    writeFileSync(file, stringify(config));
    await federation.stopBroker(HWE);
    await federation.startBroker(HWE);
    await deskOf(HWE).approve(ESSEX, shown.digest, PROPOSED, true);
    const [last] = deskOf(HWE).show(ESSEX).history;
    assert.deepEqual([last?.kind, last?.detail['alone']], ['enrolment-approved', true]);
  });

  it('approves what was shown: not the same statement with another agreement', async () => {
    const { token: statement } = await statementWith(federation, ESSEX);
    const desk = deskOf(HWE);
    const shown = await desk.propose({ statement, agreement: agreements.get(HWE) }, PROPOSED);
    await desk.propose({ statement, agreement: { ...agreements.get(HWE), version: 'wider' } }, PROPOSED);
    await assert.rejects(desk.approve(ESSEX, shown.digest, APPROVED), hasCode('nothing-pending'));
  });

  it('is refused without an agreement of the form, under a taken name, with another region’s sub-ICBs', async () => {
    const desk = deskOf(HWE);
    const agreement = agreements.get(HWE);
    const { token: statement } = await statementWith(federation, ESSEX);
    for (const wrong of [undefined, {}, { ...agreement, purposes: [] }, { ...agreement, more: 1 }]) {
      await assert.rejects(
        desk.propose({ statement, agreement: wrong }, PROPOSED),
        hasCode('agreement-unreadable'),
      );
    }
    const named = await statementWith(federation, ESSEX, () => ({ region: 'london' }));
    await assert.rejects(
      desk.propose({ statement: named.token, agreement }, PROPOSED),
      hasCode('neighbour-name-taken'),
    );
    const own = federation.config(HWE).coverage.sub_icbs;
    const grasping = await statementWith(federation, ESSEX, ({ coverage }) => ({
      coverage: { ...coverage, sub_icbs: [...coverage.sub_icbs, ...own] },
    }));
    await assert.rejects(
      desk.propose({ statement: grasping.token, agreement }, PROPOSED),
      hasCode('coverage-taken'),
    );
    for (const [theirs, code] of [
      [{ organisations: ['RAL'] }, 'coverage-taken'],
      [{ organisations: ['RAL26'] }, 'coverage-taken'],
      [{ organisations: [practiceOfHwe(federation)] }, 'coverage-taken'],
      [{ organisations: [practiceOfHwe(federation).slice(0, 3)] }, 'coverage-taken'],
      [{ organisations: ['ral'] }, 'bad-claims'],
    ] as const) {
      const claiming = await statementWith(federation, ESSEX, ({ coverage }) => ({
        coverage: { ...coverage, organisations: [...theirs.organisations] },
      }));
      await assert.rejects(desk.propose({ statement: claiming.token, agreement }, PROPOSED), hasCode(code));
    }
    for (const region of ['evil\ud800', '', '__proto__', 'a/b', 'Essex']) {
      const odd = await statementWith(federation, ESSEX, () => ({ region }));
      await assert.rejects(
        desk.propose({ statement: odd.token, agreement }, PROPOSED),
        hasCode('bad-claims'),
      );
    }
    for (const exp of [Number.MAX_SAFE_INTEGER, 253_402_300_800]) {
      const endless = await statementWith(federation, ESSEX, undefined, { claims: () => ({ exp }) });
      await assert.rejects(
        desk.propose({ statement: endless.token, agreement }, PROPOSED),
        hasCode('bad-claims'),
      );
    }
    const log = await statementWith(federation, ESSEX, () => ({ logs: ['london.wayleave.example/log/1'] }));
    await assert.rejects(desk.propose({ statement: log.token, agreement }, PROPOSED), hasCode('bad-claims'));
    const expired = await statementWith(federation, ESSEX, undefined, {
      claims: ({ iat }) => ({ iat: iat - 100, exp: iat - 50 }),
    });
    await assert.rejects(
      desk.propose({ statement: expired.token, agreement }, PROPOSED),
      hasCode('not-fresh'),
    );
    assert.deepEqual(desk.list().proposals, []);
  });
});

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => (error as RequestError).code === code;
}

/** A practice of our own sub-ICB locations, as the directory has it. */
function practiceOfHwe(federation: TestFederation): string {
  const { directory, coverage } = federation.config(HWE);
  const [practice = ''] =
    Object.entries(directory.practices).find(([, subIcb]) => coverage.sub_icbs.includes(subIcb)) ?? [];
  return practice;
}
