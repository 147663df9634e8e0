import assert from 'node:assert/strict';

import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { errorCode, issuesOf, matchesOf, rollCallOf, TestViewer, warningsOf } from '../support/viewer.ts';
import { followPages, nextOf, shownIn } from './following-pages.ts';
import { NEIGHBOUR_PATIENT, PATIENT, smallData } from './small-data.ts';

const MINUTE = 60_000;
const FIRST = `/fhir/Observation?patient=${PATIENT}&_count=5`;

describe('a page link', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let clockAhead = 0;
  before(async () => {
    federation = await startFederation({
      data: smallData(),
      now: () => Date.now() + clockAhead,
      edit: (_region, config) => {
        for (const record of config['records'] as RawConfig[]) record['page_size'] = 4;
      },
    });
    viewer = new TestViewer(federation, 'herts-west-essex');
  });
  afterEach(() => (clockAhead = 0));
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const ask = async (path: string, patient = PATIENT) => {
    const token = await viewer.token(patient, {}, { now: Date.now() + clockAhead });
    return viewer.ask(patient, path, { token });
  };
  const link = async (): Promise<string> => nextOf((await ask(FIRST)).body) ?? '';

  it('can be followed again, and gives the same', async () => {
    const next = await link();
    const [one, two] = [await ask(next), await ask(next)];
    assert.equal(one.status, 200);
    assert.deepEqual(shownIn([one]), shownIn([two]));
  });

  it('tells nothing of the patient, the question or the records', async () => {
    const next = await link();
    const sealed = new URL(next).searchParams.get('_page') ?? '';
    for (const text of [next, Buffer.from(sealed, 'base64url').toString('latin1')]) {
      assert.doesNotMatch(text, /9990000018|Observation|london|suffolk/);
    }
  });

  it('is good until ten minutes later, and not after', async () => {
    const next = await link();
    clockAhead = 9 * MINUTE;
    assert.equal((await ask(next)).status, 200);
    clockAhead = 11 * MINUTE;
    await assertUnreadable(next);
  });

  it('is not good for another patient of the same viewer', async () => {
    await assertUnreadable(await link(), NEIGHBOUR_PATIENT);
  });

  it('is not good for another viewer of the same region', async () => {
    const [one, other] = ['mid-south-essex-viewer', 'suffolk-viewer'].map(
      (id) => new TestViewer(federation, 'essex-suffolk', id),
    );
    assert.ok(one && other);
    const next = nextOf((await one.ask(PATIENT, FIRST)).body) ?? '';
    assert.equal((await one.ask(PATIENT, next)).status, 200);
    const { status, body } = await other.ask(PATIENT, next);
    assert.deepEqual([status, errorCode(body)], [400, 'page-unreadable']);
    one.close();
    other.close();
  });

  it('is not good at another broker', async () => {
    const next = await link();
    const london = new TestViewer(federation, 'london');
    const { status, body } = await london.ask(PATIENT, next.slice(viewer.base.length));
    assert.deepEqual([status, errorCode(body)], [400, 'page-unreadable']);
    london.close();
  });

  it('is not good when it was changed, cut or made up', async () => {
    const next = await link();
    const at = next.indexOf('_page=') + 30;
    const changed = next.slice(0, at) + (next[at] === 'A' ? 'B' : 'A') + next.slice(at + 1);
    for (const bad of [
      changed,
      next.slice(0, -5),
      `${viewer.base}/fhir?_page=AAAA`,
      `${viewer.base}/fhir?_page=`,
    ]) {
      await assertUnreadable(bad);
    }
  });

  it('cannot be given more than it holds: what stands beside it is not heard', async () => {
    const next = await link();
    const [plain, more] = [await ask(next), await ask(`${next}&patient=${NEIGHBOUR_PATIENT}&_count=100`)];
    assert.deepEqual(shownIn([more]), shownIn([plain]));
  });

  it('tells on its own page when a region is lost, and goes on with the others', async () => {
    const first = await ask(`${FIRST}&_sort=date`);
    await federation.stopBroker('london');
    const next = nextOf(first.body) ?? '';
    const second = await ask(next);
    assert.equal(second.status, 200);
    assert.deepEqual(warningsOf(second.body), ['incomplete london not-reached fault']);
    assert.ok(issuesOf(second.body).every(({ severity }) => severity === 'warning'));
    assert.deepEqual(rollCallOf(second.body), {});
    assert.ok(matchesOf(second.body).every(({ fullUrl }) => fullUrl.includes('/essex-suffolk/')));
    const rest = await followPages(viewer, PATIENT, next);
    assert.equal(shownIn([first, ...rest]).filter((one) => one.includes('/suf-')).length, 9);
  });

  async function assertUnreadable(path: string, patient = PATIENT): Promise<void> {
    const { status, body } = await ask(path, patient);
    assert.deepEqual([status, errorCode(body)], [400, 'page-unreadable']);
  }
});

describe('a page link, unsorted, to a region that is lost', () => {
  it('tells it, and leads on to the region after it', async () => {
    const federation = await startFederation({ data: smallData() });
    const viewer = new TestViewer(federation, 'herts-west-essex');
    const first = await viewer.ask(PATIENT, FIRST);
    assert.ok(shownIn([first]).every((one) => one.startsWith('london')));
    await federation.stopBroker('london');
    const [second, ...rest] = await followPages(viewer, PATIENT, nextOf(first.body) ?? '');
    assert.deepEqual(warningsOf(second?.body ?? first.body), ['incomplete london not-reached fault']);
    assert.deepEqual(shownIn([second ?? first]), []);
    assert.equal(shownIn(rest).length, 9);
    await federation.stopBroker('essex-suffolk');
    const last = await viewer.ask(PATIENT, nextOf(second?.body ?? first.body) ?? '');
    assert.deepEqual([last.status, errorCode(last.body)], [504, 'nobody-answered']);
    viewer.close();
    await federation.stop();
  });
});
