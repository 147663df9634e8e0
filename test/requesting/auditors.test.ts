import assert from 'node:assert/strict';

import type { ViewerClaims } from '../../src/evidence/viewer-token.ts';
import type { Bundle } from '../../src/fhir/resource.ts';
import { startFederation } from '../support/federation.ts';
import { soon } from '../support/soon.ts';
import { errorCode, issuesOf, TestViewer } from '../support/viewer.ts';
import { auditEnd, auditRows } from './audit-rows.ts';
import { ANY, Audited, eventsIn, OF_PATIENT, ONE, REGION, SINCE, withAuditors } from './audited.ts';
import { ScriptedStore } from './scripted-store.ts';
import { NEIGHBOUR_PATIENT, PATIENT, smallData } from './small-data.ts';

describe('auditors', () => {
  let audited: Audited;
  let ids: string[];
  before(async function () {
    this.timeout(60_000);
    audited = await Audited.start();
    ids = eventsIn(await audited.ask(ONE, `${OF_PATIENT}&${audited.until}&_count=200`)).map(({ id }) => id);
  });
  after(() => audited.stop());

  describe('to those who may not', () => {
    const NOT_ALLOWED: Record<string, [string, Partial<ViewerClaims>]> = {
      'a clinician': ['purpose-refused', {}],
      'a clinician who says that it is for the audit': ['role-refused', { reason_for_request: 'audit' }],
      'a role for one patient that names none': ['role-refused', { ...ONE, patient: '*' }],
      'an organisation of another viewer': [
        'organisation-refused',
        { ...ONE, requesting_organization: 'RJ6' },
      ],
      'a shared account': [
        'user-refused',
        { ...ONE, requesting_user: 'https://fhir.nhs.uk/Id/sds-user-id|UNK' },
      ],
    };
    for (const [who, [code, claims]] of Object.entries(NOT_ALLOWED)) {
      it(`says nothing, and keeps that it was asked: ${who}`, async () => {
        const from = await auditEnd(audited.federation, REGION);
        await audited.refused(claims, OF_PATIENT, 403, code);
        await audited.refused(claims, `/fhir/AuditEvent/${ids[0]}`, 403, code);
        const rows = await auditRows(audited.federation, REGION, from);
        assert.deepEqual(
          rows.map(({ event, reason }) => [event, reason]),
          [
            ['viewer-refused', code],
            ['viewer-refused', code],
          ],
        );
        assert.ok(rows.every(({ values }) => values['user'] !== undefined));
      });
    }

    it('does not speak of another patient than the token’s, and keeps that it was asked', async () => {
      const from = await auditEnd(audited.federation, REGION);
      await audited.refused(
        ONE,
        `/fhir/AuditEvent?patient=${NEIGHBOUR_PATIENT}&${SINCE}`,
        403,
        'patient-mismatch',
      );
      await audited.refused(ONE, `/fhir/AuditEvent?${SINCE}`, 400, 'patient-missing');
      const rows = await auditRows(audited.federation, REGION, from);
      assert.deepEqual(
        rows.map(({ event, reason }) => [event, reason]),
        [['viewer-refused', 'patient-mismatch']],
      );
    });

    it('takes no token of the audit for a record', async () => {
      await audited.refused(ONE, `/fhir/Condition?patient=${PATIENT}`, 403, 'purpose-refused');
      await audited.refused(ANY, `/fhir/Condition?patient=${PATIENT}`, 400, 'bad-nhs-number');
    });

    it('takes no token of nobody', async () => {
      const { status, body } = await audited.viewer.send(OF_PATIENT);
      assert.deepEqual([status, errorCode(body)], [401, 'token-missing']);
    });
  });

  it('are told to who watches as the viewer that they come by', async () => {
    const { logged } = audited.federation;
    const from = logged.length;
    await audited.ask(ONE, `${OF_PATIENT}&${audited.until}`);
    const line = await soon(() => logged.slice(from).find((one) => one.includes('viewer request')));
    assert.ok(
      line.includes(`"viewer":"${audited.viewer.id}"`) && line.includes('"outcome":"complete"'),
      line,
    );
  });

  describe('with what it does not take', () => {
    const WRONG: Record<string, [string, string]> = {
      'no date': [`patient=${PATIENT}`, 'bad-parameter'],
      'an end alone': [`patient=${PATIENT}&date=le2026-12-01`, 'bad-parameter'],
      'too long a span': [`patient=${PATIENT}&date=ge1990-01-01`, 'bad-parameter'],
      'a date that is none': [`patient=${PATIENT}&date=ge2026-13-41`, 'bad-parameter'],
      'a prefix that is not taken': [`patient=${PATIENT}&date=ap2026-11-22`, 'bad-parameter'],
      'a wildcard for a date': [`patient=${PATIENT}&date=*`, 'bad-parameter'],
      'a wildcard for a patient': [`patient=*&${SINCE}`, 'bad-nhs-number'],
      'per cent for a patient': [`patient=%25&${SINCE}`, 'bad-nhs-number'],
      'a list of patients': [`patient=${PATIENT},${NEIGHBOUR_PATIENT}&${SINCE}`, 'bad-nhs-number'],
      'two patients': [`patient=${PATIENT}&patient=${NEIGHBOUR_PATIENT}&${SINCE}`, 'bad-parameter'],
      'a wildcard for an agent': [`patient=${PATIENT}&agent=*&${SINCE}`, 'bad-parameter'],
      'a part of an agent': [`patient=${PATIENT}&agent=https://e.org/|dr%25&${SINCE}`, 'bad-parameter'],
      'an agent without a system': [`patient=${PATIENT}&agent=dr.test&${SINCE}`, 'bad-parameter'],
      'a long agent': [`patient=${PATIENT}&agent=https://${'e'.repeat(250)}|ab&${SINCE}`, 'bad-parameter'],
      'an outcome that is none': [`patient=${PATIENT}&outcome=*&${SINCE}`, 'bad-parameter'],
      'a count of none': [`patient=${PATIENT}&_count=0&${SINCE}`, 'bad-parameter'],
      'a count that is none': [`patient=${PATIENT}&_count=1e9&${SINCE}`, 'bad-parameter'],
      'an unknown parameter': [`patient=${PATIENT}&entity=*&${SINCE}`, 'unknown-parameter'],
      'a modifier': [`patient:missing=true&${SINCE}`, 'unknown-parameter'],
      'an inherited name': [`constructor=1&${SINCE}`, 'unknown-parameter'],
      'what is to be included': [`patient=${PATIENT}&_include=*&${SINCE}`, 'unknown-parameter'],
      'many dates': [`${`${SINCE}&`.repeat(50)}patient=${PATIENT}`, 'bad-request'],
    };
    for (const [what, [query, code]] of Object.entries(WRONG)) {
      it(`refuses ${what}`, async () => {
        const body = await audited.refused(ONE, `/fhir/AuditEvent?${query}`, 400, code);
        assert.doesNotMatch(JSON.stringify(issuesOf(body)), /99900000\d\d/);
      });
    }

    it('refuses a long span about anyone that it takes about one patient', async () => {
      const [one, any] = [
        `/fhir/AuditEvent?patient=${PATIENT}&date=ge2024-06-01`,
        '/fhir/AuditEvent?date=ge2024-06-01',
      ];
      assert.equal((await audited.ask(ONE, one)).status, 200);
      await audited.refused(ANY, any, 400, 'bad-parameter');
    });

    it('refuses another method, and a body of another kind', async () => {
      const token = await audited.viewer.token(PATIENT, ONE);
      const put = await audited.viewer.ask(PATIENT, '/fhir/AuditEvent', { method: 'PUT', token });
      assert.deepEqual([put.status, put.headers['allow']], [405, 'GET, HEAD']);
      const create = await audited.viewer.ask(PATIENT, '/fhir/AuditEvent', {
        method: 'POST',
        token,
        body: '{}',
      });
      assert.equal(create.status, 405);
      const remove = await audited.viewer.ask(PATIENT, `/fhir/AuditEvent/${ids[0]}`, {
        method: 'DELETE',
        token,
      });
      assert.equal(remove.status, 405);
    });
  });

  it('keeps who searched and read, for whom, and how many were shown: once for each patient', async () => {
    const from = await auditEnd(audited.federation, REGION);
    await audited.ask(ONE, `${OF_PATIENT}&${audited.until}&_count=3&outcome=0`);
    await audited.ask(ONE, `/fhir/AuditEvent/${ids[0]}`);
    const by = `agent=${encodeURIComponent(audited.viewer.claims(PATIENT).requesting_user)}`;
    await audited.ask(ANY, `/fhir/AuditEvent?${by}&${SINCE}&${audited.until}&_count=200`);
    await audited.ask(ANY, `/fhir/AuditEvent/1.${from + 50_000}`);
    const rows = await auditRows(audited.federation, REGION, from);
    assert.ok(rows.every(({ event, role }) => event === 'audit-searched' && role?.startsWith('R80')));
    const { requesting_user: user } = audited.viewer.claims(PATIENT);
    assert.ok(rows.every(({ values, purpose }) => values['user'] === user && purpose === 'audit'));
    assert.deepEqual(
      rows.slice(0, 2).map(({ values, count, detail }) => [values['nhs_number'], count, detail]),
      [
        [PATIENT, 3, { filters: ['date', 'patient', 'outcome'], viewer: audited.viewer.id }],
        [PATIENT, 1, { filters: ['_id'], viewer: audited.viewer.id }],
      ],
    );
    assert.match(rows[0]?.values['question'] ?? '', new RegExp(`^AuditEvent\\?patient=${PATIENT}&`));
    assert.equal(rows[1]?.values['question'], `AuditEvent/${ids[0]}`);
    const wide = rows.slice(2, -1).map(({ values }) => values['nhs_number']);
    assert.deepEqual(wide.toSorted(), [...new Set(wide)].toSorted());
    assert.ok(wide.includes(PATIENT) && wide.includes(NEIGHBOUR_PATIENT));
    assert.deepEqual([rows.at(-1)?.values['nhs_number'], rows.at(-1)?.count], [undefined, 0]);
    // The search itself is found by the next one, as an event of its own.
    const again = eventsIn(await audited.ask(ONE, `${OF_PATIENT}&_count=200`));
    assert.ok(again.some(({ id }) => id === `1.${from}`));
  });

  it('is said in the CapabilityStatement where there are auditors, and served to nobody where there are none', async () => {
    const listed = async (base: TestViewer): Promise<string[][]> => {
      const { body } = await base.send('/fhir/metadata');
      const [rest] = body['rest'] as { resource: { type: string; searchParam: { name: string }[] }[] }[];
      return (rest?.resource ?? [])
        .filter(({ type }) => type === 'AuditEvent')
        .map(({ searchParam }) => searchParam.map(({ name }) => name));
    };
    const names = ['patient', 'patient.identifier', 'date', 'agent', 'agent.identifier', 'outcome', '_count'];
    assert.deepEqual(await listed(audited.viewer), [names]);
    const store = new ScriptedStore([]);
    const closed = await startFederation({ data: smallData(), regions: [REGION], store: () => store });
    const outside = new TestViewer(closed, REGION);
    try {
      assert.deepEqual(await listed(outside), []);
      for (const claims of [ONE, ANY]) {
        const token = await outside.token(PATIENT, claims);
        const { status, body } = await outside.ask(PATIENT, OF_PATIENT, { token });
        assert.deepEqual([status, errorCode(body)], [403, 'role-refused']);
      }
    } finally {
      outside.close();
      await closed.stop();
    }
  });

  it('shows nothing that the log cannot keep', async () => {
    const store = new ScriptedStore([]);
    const regions = [REGION];
    const failing = await startFederation({
      data: smallData(),
      regions,
      store: () => store,
      edit: withAuditors,
    });
    const outside = new TestViewer(failing, REGION);
    try {
      const token = await outside.token(PATIENT, ONE);
      const empty = await outside.ask(PATIENT, OF_PATIENT, { token });
      assert.deepEqual(
        [empty.status, empty.body.resourceType, (empty.body as Bundle).entry],
        [200, 'Bundle', undefined],
      );
      store.writes = (rows) => rows.every(({ event }) => event !== 'audit-searched');
      for (const path of [OF_PATIENT, '/fhir/AuditEvent/1.0']) {
        const { status, body } = await outside.ask(PATIENT, path, { token });
        assert.deepEqual([status, errorCode(body)], [503, 'audit-unavailable']);
      }
    } finally {
      outside.close();
      await failing.stop();
    }
  });

  it('leaves no NHS number, name or token in a log', () => {
    assert.doesNotMatch(audited.federation.logged.join('\n'), /99900000\d\d|dr\.test|eyJ[A-Za-z0-9_-]{10}/);
  });
});
