import assert from 'node:assert/strict';

import { noticesCommand } from '../../src/cli/notices.ts';
import type { KnownRegion } from '../../src/store/contracts.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { BesideBroker } from '../support/noticing.ts';
import { called } from './in-process.ts';

const MANY = 1_201;

describe('wayleave notices forget, beside a running broker', () => {
  let federation: TestFederation;
  let london: BesideBroker;
  before(async () => {
    federation = await startFederation({ regions: ['london'] });
    london = await BesideBroker.of(federation, 'london');
    const known = (patient: string, region: string, change: Partial<KnownRegion> = {}): KnownRegion => ({
      ...{ patient, region, how: 'notice', from: region, firstTold: 1, lastTold: Date.now(), ...change },
    });
    const essex = { how: 'handover', from: 'essex-suffolk' } as const;
    await london.store.knownRegions.record([
      ...Array.from({ length: MANY }, (_, nth) => known(`p-${nth}`, 'essex-suffolk')),
      known('p-0', 'west-midlands', essex),
      known('p-0', 'herts-west-essex', essex),
      known('p-0', 'herts-west-essex'),
      known('p-0', 'essex-suffolk', { how: 'handover', from: 'herts-west-essex' }),
    ]);
    // It is looked at again when the test is long over.
    const waiting = { patient: 'w', region: 'essex-suffolk', sealedNumber: new Uint8Array([1]) };
    const later = Date.now() + 86_400_000;
    await london.store.noticeInbox.keep(
      ['essex-suffolk', 'herts-west-essex'].map((sender) => ({
        ...{ ...waiting, sender, how: 'notice', firstTold: later, lastTold: later },
      })),
      10,
    );
  });
  after(async () => {
    await london.store.close();
    await federation.stop();
  });

  const run = (...words: readonly string[]) =>
    called(noticesCommand, ['forget', ...words, '--config', federation.config('london').source]);
  const left = async (): Promise<string[]> =>
    (await london.store.knownRegions.of(['p-0']))
      .map(({ region, how, from }) => `${region} ${how} ${from}`)
      .sort();
  const events = async () =>
    (await readAudit(federation.config('london'))).filter(({ event }) => event.startsWith('notices-forg'));
  const OTHERS = ['essex-suffolk handover herts-west-essex', 'herts-west-essex notice herts-west-essex'];

  it('says what would go and deletes nothing without --yes', async () => {
    const { code, out } = await run('essex-suffolk');
    assert.equal(code, 2);
    assert.match(out, new RegExp(`essex-suffolk +${MANY} patients`));
    assert.match(out, /handed over to us +west-midlands +1 /);
    assert.match(out, /is trusted/);
    const asJson = await run('essex-suffolk', '--json');
    assert.equal(asJson.code, 2);
    assert.deepEqual(JSON.parse(asJson.out), {
      known: [
        { region: 'essex-suffolk', how: 'notice', count: MANY },
        { region: 'herts-west-essex', how: 'handover', count: 1 },
        { region: 'west-midlands', how: 'handover', count: 1 },
      ],
      ...{ undecided: 1, forgotten: 0 },
    });
    assert.equal((await left()).length, 5);
    assert.deepEqual(await events(), []);
  });

  it('goes on where one that was killed stopped, and leaves what others told', async () => {
    await london.store.knownRegions.forgetTeller('essex-suffolk', 10);
    const { code, out } = await run('essex-suffolk', '--yes', '--json');
    assert.equal(code, 0);
    assert.equal((JSON.parse(out) as { forgotten: number }).forgotten, MANY + 2 - 10 + 1);
    assert.deepEqual(await left(), OTHERS);
    assert.deepEqual(await london.store.knownRegions.toldBy('essex-suffolk'), []);
    assert.deepEqual(await london.store.noticeInbox.counts(), [{ sender: 'herts-west-essex', waiting: 1 }]);
    assert.deepEqual(
      (await events()).map(({ event, region, count, values }) => [event, region, count, 'admin' in values]),
      [
        ['notices-forget-began', 'essex-suffolk', MANY - 7, true],
        ['notices-forgotten', 'essex-suffolk', MANY - 7, true],
      ],
    );
  });

  it('has nothing to do then, and takes no name that is nobody’s for one that told nothing', async () => {
    const before = (await events()).length;
    assert.equal((await run('essex-suffolk', '--yes')).code, 0);
    const wrong = await run('essex-sufolk', '--yes');
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /no region/);
    assert.deepEqual([await left(), (await events()).length], [OTHERS, before]);
  });
});
