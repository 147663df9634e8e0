import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { MOST_ITEMS } from '../../src/evidence/notice.ts';
import { signMessage } from '../../src/evidence/message.ts';
import { testNhsNumbers } from '../../src/demo/test-nhs-number.ts';
import { RESPONSE_HEADER } from '../../src/evidence/response.ts';
import type { Bundle } from '../../src/fhir/resource.ts';
import { failures, withLog } from '../audit/evidence-of.ts';
import { readAudit, type AuditRow } from '../support/audit.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { BesideBroker } from '../support/noticing.ts';
import { ScriptedPds } from '../support/scripted-pds.ts';
import { until } from '../support/until.ts';
import { errorCode, issuesOf, rollCallOf, TestViewer, type Reply } from '../support/viewer.ts';
import { handover, held, NoticingNeighbour, type Change } from './noticing-neighbour.ts';

const LONDON = 'E84005';
const HERTS = 'F81027';
const AT_ONCE = 5;

describe('the listener between brokers: notices', () => {
  const pds = new ScriptedPds();
  let federation: TestFederation;
  let herts: NoticingNeighbour;
  let essex: NoticingNeighbour;
  let midlands: NoticingNeighbour;
  let london: BesideBroker;
  const [ours = '', theirs = '', hidden = '', nobody = '', moved = '', late = ''] = pds.patients(
    '9990002000',
    [LONDON, HERTS, 'restricted', 'unknown', LONDON, LONDON],
  );
  const [older = '', listed = ''] = pds.patients('9990003000', [
    { current: moved, practice: LONDON },
    LONDON,
  ]);

  before(async () => {
    federation = await startFederation({
      demographics: pds.listener,
      edit: (region, config) => {
        (config['demographics'] as RawConfig)['cache'] = { entries: 0 };
        (config['demographics'] as RawConfig)['breaker'] = { volume_threshold: 1000 };
        if (region !== 'london') return;
        config['patient_notices'] = { inbox_per_neighbour: AT_ONCE };
        const neighbours = config['neighbours'] as RawConfig[];
        const ended = neighbours.find((one) => one['region'] === 'west-midlands') ?? assert.fail();
        ended['agreement'] = { ...(ended['agreement'] as RawConfig), until: '2026-04-02' };
      },
    });
    herts = new NoticingNeighbour(federation, 'herts-west-essex', 'london');
    essex = new NoticingNeighbour(federation, 'essex-suffolk', 'london');
    midlands = new NoticingNeighbour(federation, 'west-midlands', 'london');
    london = await BesideBroker.of(federation, 'london');
    await london.store.objections.record([{ patient: london.digest(listed), kind: 'restriction', from: 0 }]);
  });
  after(async () => {
    await london.store.close();
    await federation.stop();
  });
  beforeEach(() => {
    pds.isDown = false;
  });

  const decided = (): Promise<void> => until(async () => (await london.undecided()) === 0, 'the decision');
  const rows = (): Promise<AuditRow[]> => readAudit(federation.config('london'));
  /** All of a receipt that may tell something. */
  const plain = (claims: object): object => {
    const own = new Set(['iat', 'exp', 'jti', 'notice_jti', 'notice_digest']);
    return Object.fromEntries(Object.entries(claims).filter(([name]) => !own.has(name)));
  };

  it('are kept, receipted and in the log, and the home region knows where to look from then on', async () => {
    const { reply, receipt } = await herts.tell([held(ours)]);
    assert.deepEqual([reply.status, reply.text, receipt.outcome, receipt.count], [200, '{}', 'taken', 1]);
    await decided();
    assert.deepEqual(await london.known(ours), ['herts-west-essex notice herts-west-essex']);
    const about = (await rows()).filter(({ exchange }) => exchange === receipt.notice_jti);
    assert.deepEqual(
      about.map(({ event, region, count, outcome }) => [event, region, count, outcome]),
      [
        ['notice-received', 'herts-west-essex', 1, undefined],
        ['notice-taken', 'herts-west-essex', 1, 'taken'],
      ],
    );
    // Found by nobody's number: the message is sealed, and the leaf names nobody.
    assert.ok(about.every(({ values }) => values['nhs_number'] === undefined));
    const [received] = about;
    assert.doesNotMatch(JSON.stringify({ ...received, values: undefined }), /999000/);
    const { file } = await withLog(federation, 'london', (log) => log.export(receipt.notice_jti));
    assert.deepEqual(await failures(file), []);
  });

  it('have the same receipt whosever patients they are, and nothing is kept of others', async () => {
    const receipts: object[] = [];
    const replies: Reply[] = [];
    for (const nhsNumber of [ours, theirs, hidden, nobody, listed]) {
      const { reply, receipt } = await herts.tell([held(nhsNumber)]);
      receipts.push(plain(receipt));
      const { date: _, [RESPONSE_HEADER]: token = '', ...headers } = reply.headers;
      replies.push({ ...reply, headers: { ...headers, length: String(token.length) } });
    }
    for (const one of receipts) assert.deepEqual(one, receipts[0]);
    for (const one of replies) assert.deepEqual(one, replies[0]);
    await decided();
    for (const other of [theirs, hidden, nobody, listed]) assert.deepEqual(await london.known(other), []);
    const { decided: counts } = (await federation.broker('london').status()).patientNotices ?? assert.fail();
    assert.ok(counts.dropped >= 4);
  });

  it('are receipted before anything is looked up', async () => {
    pds.isDown = true;
    const before = pds.asked.length;
    const { receipt } = await herts.tell([held(late)]);
    assert.equal(receipt.outcome, 'taken');
    await until(() => pds.asked.length > before, 'a look-up');
    assert.deepEqual(await london.known(late), []);
    assert.equal(await london.undecided(), 1);
    // It stays until demographics are there again; here the time of the next try is brought forward.
    await until(async () => {
      const [row] = await london.store.noticeInbox.take(Number.MAX_SAFE_INTEGER, Date.now(), 10);
      return row !== undefined && row.tries > 0;
    }, 'the try that failed');
    pds.isDown = false;
    await decided();
    assert.deepEqual(await london.known(late), ['herts-west-essex notice herts-west-essex']);
  });

  it('told again, or a handover before or after, change nothing but what is known', async () => {
    await essex.tell([handover(moved, 'essex-suffolk', 'herts-west-essex', 'london', 'atlantis')]);
    await decided();
    const whole = [
      'atlantis handover essex-suffolk',
      'essex-suffolk handover essex-suffolk',
      'herts-west-essex handover essex-suffolk',
    ];
    assert.deepEqual(await london.known(moved), whole);
    await herts.tell([held(moved)]);
    await herts.tell([held(moved), handover(moved, 'herts-west-essex')]);
    await essex.tell([handover(moved, 'essex-suffolk')]);
    await decided();
    assert.deepEqual(await london.known(moved), [
      ...whole,
      'herts-west-essex handover herts-west-essex',
      'herts-west-essex notice herts-west-essex',
    ]);
  });

  it('of a region without an agreement, or of one that nobody knows, are kept: the answer says that something may be missing', async () => {
    const [patient = ''] = pds.patients('9990007000', [LONDON]);
    const invented = Array.from({ length: 50 }, (_, nth) => `nowhere-${nth}`);
    await essex.tell([handover(patient, 'west-midlands', ...invented)]);
    await decided();
    await essex.tell([handover(patient, 'west-midlands', ...invented.reverse())]);
    await decided();
    const known = (await london.known(patient)).map((row) => row.split(' ')[0] ?? '');
    assert.ok(known.includes('west-midlands'));
    const unlisted = known.filter((region) => region.startsWith('nowhere-'));
    assert.deepEqual([known.length, unlisted.length], [4, 3], 'what is invented pushes nothing out');
    const viewer = new TestViewer(federation, 'london');
    const { body } = await viewer.ask(patient, `/fhir/Condition?patient=${patient}`);
    viewer.close();
    assert.equal((body as Bundle).total, undefined);
    const codes = issuesOf(body)
      .filter(({ severity }) => severity === 'warning')
      .flatMap(({ details }) => details.coding?.map(({ code }) => code) ?? []);
    assert.ok(codes.includes('region-unknown'), codes.join());
    assert.ok(rollCallOf(body)['west-midlands']?.includes('no-agreement'));
  });

  it('under a number that was replaced are known under the present one', async () => {
    await essex.tell([held(older)]);
    await decided();
    assert.deepEqual(await london.known(older), []);
    assert.ok((await london.known(moved)).includes('essex-suffolk notice essex-suffolk'));
  });

  it('of a neighbour of which as much waits as may are refused, and no other neighbour’s', async () => {
    const many = testNhsNumbers('9990004000', AT_ONCE);
    pds.isDown = true;
    assert.equal((await herts.tell(many.map(held))).receipt.outcome, 'taken');
    const { reply, receipt } = await herts.tell([held(ours)]);
    assert.deepEqual(
      [reply.status, receipt.outcome, receipt.reason, receipt.count],
      [429, 'refused', 'notices-full', undefined],
    );
    assert.equal((await essex.tell([held(ours)])).receipt.outcome, 'taken');
    const status = await federation.broker('london').status();
    const inbox = status.patientNotices?.inbox.find(({ region }) => region === 'herts-west-essex');
    assert.deepEqual([inbox?.waiting, status.patientNotices?.inboxLimit], [AT_ONCE, AT_ONCE]);
    const left = await london.store.noticeInbox.take(Number.MAX_SAFE_INTEGER, Date.now(), 100);
    await london.store.noticeInbox.decided(left);
  });

  it('without an agreement in force are refused, signed and in the log', async () => {
    const { reply, receipt } = await midlands.tell([held(ours)]);
    assert.deepEqual(
      [reply.status, errorCode(reply.body), receipt.outcome, receipt.reason],
      [403, 'no-agreement', 'refused', 'no-agreement'],
    );
    const end = (await rows()).filter(({ jti }) => jti === receipt.notice_jti).at(-1);
    assert.deepEqual([end?.event, end?.reason], ['notice-refused', 'no-agreement']);
    assert.ok(!(await london.known(ours)).some((one) => one.startsWith('west-midlands')));
  });

  describe('refused signed, and none of it is kept', () => {
    const past = (): Change => {
      const seconds = Math.floor(Date.now() / 1000);
      return { iat: seconds - 600, exp: seconds - 540 };
    };
    const item = held(ours);
    const numbers = testNhsNumbers('9990005000', MOST_ITEMS + 1);
    const regions = (count: number): string[] => Array.from({ length: count }, (_, nth) => `region-${nth}`);
    const cases: readonly [string, number, string, readonly unknown[], Change?, string?][] = [
      ['a query in its place', 401, 'wrong-typ', [item], {}, 'wayleave-query+jwt'],
      ['a receipt in its place', 401, 'wrong-typ', [item], {}, 'wayleave-receipt+jwt'],
      ['no items', 400, 'bad-claims', []],
      ['too many items', 400, 'bad-claims', numbers.map(held)],
      ['one patient twice', 400, 'bad-claims', [item, item]],
      ['a wrong check digit', 400, 'bad-claims', [held('9990000019')]],
      ['no kind', 400, 'bad-claims', [{ patient: item.patient }]],
      ['an organisation in it', 400, 'bad-claims', [{ ...item, organisation: 'RPY' }]],
      ['a date in it', 400, 'bad-claims', [{ ...item, seen: '2026-11-01' }]],
      ['regions of what is held', 400, 'bad-claims', [{ ...item, regions: ['london'] }]],
      ['a handover without a region', 400, 'bad-claims', [handover(ours)]],
      ['a handover with a region twice', 400, 'bad-claims', [handover(ours, 'london', 'london')]],
      ['a handover with too many regions', 400, 'bad-claims', [handover(ours, ...regions(61))]],
      [
        ...(['handovers with too many regions in all', 400, 'bad-claims'] as const),
        numbers.slice(0, 26).map((number) => handover(number, ...regions(60))),
      ],
      ['a region that is none', 400, 'bad-claims', [handover(ours, '../london')]],
      ['another claim', 400, 'bad-claims', [item], { reason_for_request: 'directcare' }],
      ['another sender', 401, 'wrong-issuer', [item], { iss: 'https://essex-suffolk.wayleave.example' }],
      ['another receiver', 401, 'wrong-audience', [item], { aud: 'https://essex-suffolk.wayleave.example' }],
      ['another connection', 401, 'wrong-binding', [item], { cnf: { 'x5t#S256': 'A'.repeat(43) } }],
    ];
    for (const [name, status, code, items, change, typ] of cases) {
      it(name, () => refuses(status, code, items, change, typ));
    }
    it('one that is late', () => refuses(401, 'not-fresh', [item], past()));

    async function refuses(
      status: number,
      code: string,
      items: readonly unknown[],
      change: Change = {},
      typ?: string,
    ): Promise<void> {
      const waiting = await london.undecided();
      const known = await london.known(ours);
      const token = await herts.token(items, change, typ === undefined ? {} : { typ });
      const reply = await herts.send(token);
      assert.deepEqual([reply.status, errorCode(reply.body)], [status, code]);
      const receipt = await herts.believed(reply, token);
      assert.deepEqual([receipt.outcome, receipt.reason, receipt.count], ['refused', code, undefined]);
      assert.deepEqual([await london.undecided(), await london.known(ours)], [waiting, known]);
      const [last] = (await rows()).slice(-1);
      assert.deepEqual([last?.event, last?.jti, last?.reason], ['notice-refused', receipt.notice_jti, code]);
    }
  });

  it('the same notice a moment later is a replay; so is another message with its jti', async () => {
    const jti = randomUUID();
    const token = await herts.token([held(theirs)], { jti });
    assert.equal((await herts.send(token)).status, 200);
    for (const again of [token, await herts.token([held(ours)], { jti })]) {
      const reply = await herts.send(again);
      assert.deepEqual([reply.status, (await herts.believed(reply, again)).reason], [401, 'replayed']);
    }
    await decided();
  });

  it('with another region’s key or certificate are refused unsigned, before anything is kept', async () => {
    const stranger = new TestNeighbour(federation, 'essex-suffolk');
    const token = await herts.token([held(ours)]);
    const before = await rows();
    const signer = await stranger.signer();
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;
    const { kid } = await herts.neighbour.signer();
    for (const [code, sent] of [
      ['unknown-kid', signMessage(signer, 'wayleave-notice+jwt', payload).token],
      ['bad-signature', signMessage({ ...signer, kid }, 'wayleave-notice+jwt', payload).token],
    ] as const) {
      const reply = await herts.send(sent);
      assert.deepEqual(
        [reply.status, errorCode(reply.body), reply.headers[RESPONSE_HEADER]],
        [401, code, undefined],
      );
    }
    // A good notice of ours over another region's connection is not its notice.
    const over = await herts.send(token, { tls: stranger.tls('london') });
    assert.deepEqual([over.status, errorCode(over.body)], [401, 'unknown-kid']);
    const none = await herts.send(token, { tls: { cert: undefined, key: undefined } }).catch(() => undefined);
    assert.ok(none === undefined || none.status === 401);
    assert.deepEqual(await rows(), before);
  });

  it('of another form are refused as every message is', async () => {
    for (const [status, code, request] of [
      [400, 'malformed', { body: '{}' }],
      [405, 'method-not-allowed', { method: 'GET' }],
      [413, 'too-large', { body: JSON.stringify({ notice: 'x'.repeat(300_000) }) }],
      [415, 'unsupported-media', { headers: { 'Content-Type': 'text/plain' } }],
    ] as const) {
      const reply = await herts.send(undefined, request);
      assert.deepEqual([reply.status, errorCode(reply.body)], [status, code]);
    }
  });

  it('the largest that may be fits', async () => {
    const full = testNhsNumbers('9990006000', 25).map((number) =>
      handover(number, ...Array.from({ length: 60 }, (_, nth) => `${'r'.repeat(60)}${nth}`)),
    );
    const { receipt } = await essex.tell(full);
    assert.deepEqual([receipt.outcome, receipt.count], ['taken', 25]);
    // They are nobody's, and looking up each of them would take its time.
    while ((await london.undecided()) > 0) {
      const left = await london.store.noticeInbox.take(Number.MAX_SAFE_INTEGER, Date.now(), 1_000);
      await london.store.noticeInbox.decided(left);
    }
  });

  it('no number is in any line of a log', () => {
    assert.doesNotMatch(federation.logged.join('\n'), /999\d{7}|eyJ[A-Za-z0-9_-]{10}|-----BEGIN/);
  });
});
