import assert from 'node:assert/strict';

import type { ViewerClaims } from '../../src/evidence/viewer-token.ts';
import { askingViewerForAll } from '../support/asking-viewer.ts';
import { errorCode } from '../support/viewer.ts';
import { auditEnd, auditRows } from './audit-rows.ts';
import { NEIGHBOUR_PATIENT, PATIENT, smallData } from './small-data.ts';

const ASK = `/fhir/Condition?patient=${PATIENT}`;

describe('a viewer that is believed', () => {
  const asking = askingViewerForAll({ data: smallData() });

  const askWith = async (change: Partial<ViewerClaims>, path = ASK) =>
    asking.viewer.ask(PATIENT, path, { token: await asking.viewer.token(PATIENT, change) });

  const NOT_ALLOWED: Record<string, [status: number, code: string, change: Partial<ViewerClaims>]> = {
    'an organisation that is not the viewer’s': [
      403,
      'organisation-refused',
      { requesting_organization: 'RJ6' },
    ],
    'a purpose other than direct care': [403, 'purpose-refused', { reason_for_request: 'secondaryuses' }],
    'a role that nobody knows': [403, 'role-refused', { requesting_user_role: 'wizard' }],
    'a role that every object inherits': [403, 'role-refused', { requesting_user_role: 'constructor' }],
    'a patient with a wrong check digit': [
      400,
      'bad-nhs-number',
      { patient: 'https://fhir.nhs.uk/Id/nhs-number|9990000019' },
    ],
    'a patient of another numbering': [400, 'bad-nhs-number', { patient: `https://example.org|${PATIENT}` }],
  };
  const NOBODY = [
    'UNK',
    'https://fhir.nhs.uk/Id/sds-user-id|UNK',
    'https://fhir.nhs.uk/Id/sds-user-id|',
    'https://fhir.nhs.uk/Id/sds-user-id|12',
    'https://fhir.nhs.uk/Id/sds-role-profile-id|100000000001',
    '{iss}/Id/user|UNK',
    '{iss}/Id/user|unknown',
    '{iss}/Id/user|Shared',
    '{iss}/Id/user|generic',
    '{iss}/Id/user|admin',
    '{iss}/Id/user|',
    '{iss}/Id/user|two words',
    'https://elsewhere.example/Id/user|dr.test',
    'dr.test',
  ];
  for (const user of NOBODY) {
    it(`names nobody: ${user}`, async () => {
      const { iss } = asking.viewer.claims(PATIENT);
      await refusedAs(403, 'user-refused', { requesting_user: user.replace('{iss}', iss) });
    });
  }
  for (const [what, [status, code, change]] of Object.entries(NOT_ALLOWED)) {
    it(`is not allowed to ask for ${what}`, () => refusedAs(status, code, change));
  }

  it('takes an SDS user and the viewer’s own, an SDS role and the viewer’s own name for one', async () => {
    for (const change of [
      { requesting_user: 'https://fhir.nhs.uk/Id/sds-user-id|555021935107' },
      { requesting_user_role: 'R0260' },
      { requesting_user_role: 'consultant' },
    ]) {
      assert.equal((await askWith(change)).status, 200);
    }
  });

  it('maps a local role before anything leaves, and the audit has the mapped one', async () => {
    const from = await auditEnd(asking.federation, 'herts-west-essex');
    await askWith({ requesting_user_role: 'nurse' });
    const rows = await auditRows(asking.federation, 'herts-west-essex', from);
    assert.deepEqual([...new Set(rows.map((row) => row.role))], ['R8001']);
    const [there] = (await auditRows(asking.federation, 'london')).slice(-1);
    assert.deepEqual([there?.event, there?.role], ['query-answered', 'R8001']);
  });

  it('is not allowed to ask about another patient than its token’s', async () => {
    for (const path of [
      `/fhir/Condition?patient=${NEIGHBOUR_PATIENT}`,
      `/fhir/Patient/${NEIGHBOUR_PATIENT}`,
      `/fhir/Patient/${NEIGHBOUR_PATIENT}/$everything`,
      `/fhir/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|${NEIGHBOUR_PATIENT}`,
    ]) {
      await refusedAs(403, 'patient-mismatch', {}, path);
    }
  });

  /** Refused after proof: who it was is in the audit. */
  async function refusedAs(
    status: number,
    code: string,
    change: Partial<ViewerClaims>,
    path = ASK,
  ): Promise<void> {
    const from = await auditEnd(asking.federation, 'herts-west-essex');
    const { status: got, body, headers } = await askWith(change, path);
    assert.deepEqual([got, errorCode(body)], [status, code]);
    const [row, ...more] = await auditRows(asking.federation, 'herts-west-essex', from);
    assert.equal(more.length, 0);
    const claims = { ...asking.viewer.claims(PATIENT), ...change };
    assert.deepEqual(
      [
        row?.event,
        row?.reason,
        row?.exchange,
        row?.organisation,
        row?.values['user'],
        row?.role,
        row?.purpose,
      ],
      [
        'viewer-refused',
        code,
        headers['x-request-id'],
        claims.requesting_organization,
        claims.requesting_user,
        claims.requesting_user_role,
        claims.reason_for_request,
      ],
    );
    assert.equal(row?.values['nhs_number'] === undefined, code === 'bad-nhs-number');
  }
});
