import assert from 'node:assert/strict';

import type { AuditEvent } from '../../src/audit/balp/audit-event.ts';
import type { Bundle } from '../../src/fhir/resource.ts';
import { auditRows } from './audit-rows.ts';
import { ANY, Audited, eventsIn, OF_PATIENT, ONE, REFUSED, REGION, SINCE } from './audited.ts';
import { nextOf } from './following-pages.ts';
import { errorCode } from '../support/viewer.ts';
import { NEIGHBOUR_PATIENT, NOWHERE_PATIENT, PATIENT } from './small-data.ts';

describe('the audit over FHIR', () => {
  let audited: Audited;
  let ids: string[];
  before(async function () {
    this.timeout(60_000);
    audited = await Audited.start();
    ids = eventsIn(await audited.ask(ONE, `${OF_PATIENT}&${audited.until}&_count=200`)).map(({ id }) => id);
  });
  after(() => audited.stop());

  it('shows an auditor every access of a patient, newest first, and nobody else’s', async () => {
    const reply = await audited.ask(ONE, `${OF_PATIENT}&${audited.until}`);
    assert.deepEqual([reply.status, reply.body['type'], 'total' in reply.body], [200, 'searchset', false]);
    assert.match(String(reply.headers['content-type']), /fhir\+json/);
    const events = eventsIn(reply);
    const times = events.map(({ recorded }) => recorded);
    assert.deepEqual(times, times.toSorted().reverse());
    const rows = await auditRows(audited.federation, REGION);
    const about = (number: string, event: string): number =>
      rows.filter((row) => row.event === event && row.values['nhs_number'] === number).length;
    assert.ok(about(PATIENT, 'released-to-viewer') === 3 && about(PATIENT, 'query-sent') > 3);
    for (const event of ['query-sent', 'released-to-viewer', 'viewer-refused']) {
      const expected = rows.filter(
        (row) =>
          row.event === event &&
          row.values['nhs_number'] === PATIENT &&
          row.at < Date.parse(audited.until.slice(7)),
      );
      for (const { sequence } of expected) assert.ok(ids.includes(`1.${sequence}`), `${event} ${sequence}`);
    }
    assert.doesNotMatch(reply.text, new RegExp(NEIGHBOUR_PATIENT));
    for (const event of events) assert.match(JSON.stringify(event.entity), new RegExp(PATIENT));
  });

  it('takes the patient as id, reference, URL and identifier, and by POST', async () => {
    const found = async (query: string): Promise<string[]> =>
      eventsIn(await audited.ask(ONE, `/fhir/AuditEvent?${query}&${SINCE}&${audited.until}&_count=200`)).map(
        ({ id }) => id,
      );
    assert.ok(ids.length > 5);
    assert.deepEqual(await found(`patient=Patient/${PATIENT}`), ids);
    assert.deepEqual(await found(`patient=${audited.viewer.base}/fhir/Patient/${PATIENT}`), ids);
    const token = `https://fhir.nhs.uk/Id/nhs-number|${PATIENT}`;
    assert.deepEqual(await found(`patient.identifier=${encodeURIComponent(token)}`), ids);
    const posted = await audited.viewer.ask(PATIENT, '/fhir/AuditEvent/_search', {
      method: 'POST',
      token: await audited.viewer.token(PATIENT, ONE),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `patient=${PATIENT}&${SINCE}&${audited.until}&_count=200`,
    });
    assert.deepEqual(
      eventsIn(posted).map(({ id }) => id),
      ids,
    );
  });

  it('looks through the logs of all replicas, and reads one event by its id', async () => {
    const replicas = new Set(ids.map((id) => id.split('.')[0]));
    assert.deepEqual([...replicas].sort(), ['1', '2']);
    for (const id of [ids.at(0) ?? '', ids.find((one) => one.startsWith('2.')) ?? '']) {
      const { status, body } = await audited.ask(ONE, `/fhir/AuditEvent/${id}`);
      assert.deepEqual([status, body.resourceType, body.id], [200, 'AuditEvent', id]);
    }
  });

  it('does not read another patient’s event, nor one that is none, and says the same of all', async () => {
    const others = eventsIn(
      await audited.ask(ONE, `/fhir/AuditEvent?patient=${NEIGHBOUR_PATIENT}&${SINCE}`, NEIGHBOUR_PATIENT),
    );
    const started = '1.0';
    const foreign = others.find(({ id }) => id.startsWith('1.'))?.id ?? '';
    const replies: string[] = [];
    for (const id of [foreign, started, '1.99999', '7.1', '1.01', '1', '1.-1', '1.1e3', '..%2f1.1', '%25.1'])
      replies.push(JSON.stringify(await audited.refused(ONE, `/fhir/AuditEvent/${id}`, 404, 'not-found')));
    assert.equal(new Set(replies).size, 1);
    const { status } = await audited.ask(ANY, `/fhir/AuditEvent/${foreign}`);
    assert.equal(status, 200);
  });

  for (const count of [1, 3, 7, 200]) {
    it(`pages by ${count} with none lost and none twice`, async () => {
      const pages = await audited.follow(ONE, `${OF_PATIENT}&${audited.until}&_count=${count}`);
      assert.deepEqual(
        pages.flat().map(({ id }) => id),
        ids,
      );
      assert.ok(pages.every((page) => page.length <= count && page.length > 0));
      assert.equal(pages.length, Math.ceil(ids.length / count));
    });
  }

  it('goes on where it was while entries are added, and is not led astray by what searches write', async () => {
    const first = await audited.ask(ONE, `${OF_PATIENT}&_count=5`);
    await audited.viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    const rest = (await audited.follow(ONE, nextOf(first.body) ?? '')).flat();
    const all = [...eventsIn(first), ...rest].map(({ id }) => id);
    assert.equal(new Set(all).size, all.length);
    assert.deepEqual(all.slice(-ids.length), ids);
  });

  it('gives page links that are good for the same person, patient and viewer alone', async () => {
    const next = nextOf((await audited.ask(ONE, `${OF_PATIENT}&_count=1`)).body) ?? '';
    assert.doesNotMatch(next, new RegExp(PATIENT));
    const { iss } = audited.viewer.claims(PATIENT);
    assert.equal((await audited.ask(ONE, next)).status, 200);
    await audited.refused(
      { ...ONE, requesting_user: `${iss}/Id/user|dr.other` },
      next,
      400,
      'page-unreadable',
    );
    await audited.refused(ANY, next, 400, 'page-unreadable');
    await audited.refused(ONE, `${next}&_count=200`, 400, 'bad-parameter');
    await audited.refused(ONE, `${next}A`, 400, 'page-unreadable');
    const clinical = await audited.viewer.ask(PATIENT, next.replace('/AuditEvent?', '?'));
    assert.equal(errorCode(clinical.body), 'page-unreadable');
  });

  it('finds by user and by organisation, across patients where the role may', async () => {
    const { iss, requesting_organization: code } = audited.viewer.claims(PATIENT);
    const by = async (agent: string): Promise<AuditEvent[]> =>
      (
        await audited.follow(
          ANY,
          `/fhir/AuditEvent?agent=${encodeURIComponent(agent)}&${SINCE}&${audited.until}&_count=200`,
        )
      ).flat();
    const patients = (events: AuditEvent[]): Set<string | undefined> =>
      new Set(
        events.map(({ entity }) => entity?.find(({ role }) => role?.code === '1')?.what?.identifier?.value),
      );
    for (const agent of [`${iss}/Id/user|dr.test`, `https://fhir.nhs.uk/Id/ods-organization-code|${code}`]) {
      const events = await by(agent);
      assert.deepEqual(patients(events), new Set([PATIENT, NEIGHBOUR_PATIENT]));
      const [, id] = agent.split('|');
      for (const event of events)
        assert.ok(
          event.agent.some(({ who }) => who.identifier?.value === id),
          event.id,
        );
    }
    const { status, body } = await audited.ask(
      ANY,
      `/fhir/AuditEvent?agent=${iss}/Id/user|dr.nobody&${SINCE}`,
    );
    assert.deepEqual([status, (body as Bundle).entry], [200, undefined]);
  });

  it('finds by outcome', async () => {
    const of = async (outcome: string): Promise<string[]> =>
      (await audited.follow(ONE, `${OF_PATIENT}&${audited.until}&outcome=${outcome}&_count=2`))
        .flat()
        .map(({ outcome: one }) => one);
    const [good, bad] = [await of('0'), await of('4')];
    assert.equal(good.length + bad.length, ids.length);
    assert.deepEqual([new Set(good), new Set(bad)], [new Set(['0']), new Set(['4'])]);
    assert.deepEqual(await of('12'), []);
  });

  it('takes each prefix of a date, to the precision that it was written with', async () => {
    const all = eventsIn(await audited.ask(ONE, `${OF_PATIENT}&${audited.until}&_count=200`));
    const recorded = all[Math.floor(all.length / 2)]?.recorded ?? '';
    const found = async (...dates: string[]): Promise<string[]> => {
      const query = dates.map((date) => `date=${encodeURIComponent(date)}`).join('&');
      const path = `/fhir/AuditEvent?patient=${PATIENT}&${query}&${audited.until}&_count=200`;
      return (await audited.follow(ONE, path)).flat().map(({ id }) => id);
    };
    const where = (holds: (at: number) => boolean): string[] =>
      all.filter((event) => holds(Date.parse(event.recorded))).map(({ id }) => id);
    const at = Date.parse(recorded);
    const since = SINCE.slice('date='.length);
    assert.deepEqual(
      await found(`ge${recorded}`),
      where((one) => one >= at),
    );
    assert.deepEqual(
      await found(`gt${recorded}`),
      where((one) => one > at),
    );
    assert.deepEqual(
      await found(since, `le${recorded}`),
      where((one) => one <= at),
    );
    assert.deepEqual(
      await found(since, `lt${recorded}`),
      where((one) => one < at),
    );
    assert.deepEqual(
      await found(recorded),
      where((one) => one === at),
    );
    assert.deepEqual(
      await found(`eq${recorded}`),
      where((one) => one === at),
    );
    const second = `${recorded.slice(0, 19)}Z`;
    const start = Date.parse(second);
    assert.deepEqual(
      await found(second),
      where((one) => one >= start && one < start + 1_000),
    );
    assert.deepEqual(
      await found(`gt${second}`),
      where((one) => one >= start + 1_000),
    );
    assert.deepEqual(
      await found(since, `le${second}`),
      where((one) => one < start + 1_000),
    );
    assert.deepEqual(
      await found(`ge${recorded.replace('Z', '+00:00')}`),
      where((one) => one >= at),
    );
    const day = recorded.slice(0, 10);
    assert.deepEqual(
      await found(`gt${day}`),
      where((one) => one >= Date.parse(day) + 86_400_000),
    );
    assert.deepEqual(await found('ge2026-01-01', 'lt2026-02-01'), []);
  });

  it('leaves no NHS number, name or token in a log', () => {
    assert.doesNotMatch(audited.federation.logged.join('\n'), /99900000\d\d|dr\.test|eyJ[A-Za-z0-9_-]{10}/);
  });

  it('gives at most 200 a page, and goes on through what gives no event', async () => {
    const path = `/fhir/AuditEvent?patient=${NOWHERE_PATIENT}&${SINCE}&${audited.until}`;
    const pages = await audited.follow(ONE, `${path}&_count=999999`, NOWHERE_PATIENT);
    const sizes = pages.map(({ length }) => length);
    assert.deepEqual([sizes.length, sizes[0], sizes.at(-1)], [11, 200, REFUSED - 2_000]);
    assert.equal(new Set(pages.flat().map(({ id }) => id)).size, REFUSED);
    // What was shown is older than all that was refused: more than one request looks at.
    const good = await audited.follow(ANY, `/fhir/AuditEvent?${SINCE}&${audited.until}&outcome=0&_count=200`);
    assert.deepEqual([good.length, good[0]], [2, []]);
    assert.ok(ids.filter((id) => good[1]?.some((one) => one.id === id)).length > 5);
  });
});
