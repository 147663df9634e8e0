import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import type { EvidenceCode } from '../../src/errors.ts';
import { TYP } from '../../src/evidence/claims.ts';
import { readAudit } from '../support/audit.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { matchesOf, rollCallOf } from '../support/viewer.ts';
import { AskedOfLiars } from './asked-of-liars.ts';
import {
  aCondition,
  entryOf,
  HERTS,
  LONDON,
  MARK,
  thePatient,
  type Behaviour,
  type LyingLondon,
  type Wire,
} from './lying-london.ts';
import { NEIGHBOUR_PATIENT, PATIENT } from './small-data.ts';

describe('a neighbour that lies', () => {
  let asked: AskedOfLiars;
  let london: LyingLondon;
  before(async () => {
    asked = await AskedOfLiars.start();
    ({ london } = asked);
  });
  after(() => asked.stop());

  it('is believed when it tells what the true London says', async () => {
    london.behaviour = (heard) => london.genuine(heard);
    const { body } = await asked.ask();
    assert.deepEqual(rollCallOf(body)['london'], ['answered', 'care-location']);
    assert.equal(matchesOf(body).length, 2);
    assert.equal(body['total'], 2);
  });

  it('is believed when it makes a good answer of its own, so that each case below differs in one thing', async () => {
    london.behaviour = (heard) => london.believable(heard);
    const { body, text } = await asked.ask();
    assert.deepEqual(rollCallOf(body)['london'], ['answered', 'care-location']);
    assert.ok(text.includes(MARK));
  });

  const LIES: Record<string, [code: EvidenceCode, behaviour: Behaviour]> = {
    'changes the body on the way': [
      'wrong-body',
      async (heard) => {
        const wire = await london.believable(heard);
        return { ...wire, body: String(wire.body).replace('Condition/c9', 'Condition/c8') };
      },
    ],
    'puts white space into the body, which means the same': [
      'wrong-body',
      async (heard) => {
        const wire = await london.believable(heard);
        return { ...wire, body: `${String(wire.body)}\n` };
      },
    ],
    'changes a signed claim': [
      'bad-signature',
      async (heard) => {
        const wire = await london.believable(heard);
        const [head, payload = '', signature] = (wire.token ?? '').split('.');
        const claims = Buffer.from(payload, 'base64url').toString().replace('"count":1', '"count":2');
        return { ...wire, token: [head, Buffer.from(claims).toString('base64url'), signature].join('.') };
      },
    ],
    'signs for a query with another jti': [
      'wrong-query',
      (heard) => london.believable(heard, { claims: { query_jti: '00000000-0000-4000-8000-000000000000' } }),
    ],
    'signs for a query with the same jti and another text': [
      'wrong-query',
      (heard) => london.believable(heard, { claims: { query_digest: 'A'.repeat(43) } }),
    ],
    'signs with another region’s key under that key’s own name': [
      'unknown-kid',
      async (heard) => london.believable(heard, { signer: await keyOf('essex-suffolk') }),
    ],
    'signs with another region’s key under its own name': [
      'bad-signature',
      async (heard) => {
        const [own, other] = [await keyOf('london'), await keyOf('west-midlands')];
        return london.believable(heard, { signer: { ...other, kid: own.kid } });
      },
    ],
    'sends a signed query back in the place of a response': [
      'wrong-typ',
      (heard) => london.believable(heard, { typ: TYP.query }),
    ],
    'signs a plain JWT': ['wrong-typ', (heard) => london.believable(heard, { typ: 'JWT' })],
    'signs for another receiver': [
      'wrong-audience',
      (heard) => london.believable(heard, { claims: { aud: 'https://essex-suffolk.wayleave.example' } }),
    ],
    'signs for several receivers': [
      'bad-claims',
      (heard) => london.believable(heard, { claims: { aud: [HERTS, LONDON] } }),
    ],
    'signs in another region’s name': [
      'wrong-issuer',
      (heard) => london.believable(heard, { claims: { iss: 'https://essex-suffolk.wayleave.example' } }),
    ],
    'binds the response to another certificate': [
      'wrong-binding',
      (heard) =>
        london.believable(heard, { claims: { cnf: { 'x5t#S256': digestOf('another certificate') } } }),
    ],
    'signs a response two minutes old': [
      'not-fresh',
      (heard) => london.believable(heard, { claims: lifetime(-120, -60) }),
    ],
    'signs a response of the next minute': [
      'not-fresh',
      (heard) => london.believable(heard, { claims: lifetime(60, 90) }),
    ],
    'signs a response that lives for an hour': [
      'not-fresh',
      (heard) => london.believable(heard, { claims: lifetime(0, 3600) }),
    ],
    'signs another status than it sends': [
      'wrong-body',
      (heard) => london.believable(heard, { claims: { status: 206 } }),
    ],
    'sends another status than it signs': [
      'wrong-body',
      async (heard) => ({ ...(await london.believable(heard)), status: 500 }),
    ],
    'signs another list of resources': [
      'wrong-body',
      (heard) => london.believable(heard, { claims: { resources_digest: digestOf('[]') } }),
    ],
    'signs no list of resources': [
      'wrong-body',
      (heard) => london.believable(heard, { claims: { resources_digest: undefined } }),
    ],
    'sends no signature': [
      'unsigned',
      async (heard) => ({ ...(await london.believable(heard)), token: undefined }),
    ],
    'sends HTML and no signature': [
      'unsigned',
      () => ({ status: 200, body: '<html>Please log in</html>', type: 'text/html' }),
    ],
    'sends something else as the signature': [
      'malformed',
      async (heard) => ({ ...(await london.believable(heard)), token: 'yes' }),
    ],
    'sends another patient’s record': [
      'wrong-subject',
      (heard) => london.believable(heard, { entries: [aCondition(), thePatient(NEIGHBOUR_PATIENT)] }),
    ],
    'slips another patient’s record between the right ones': [
      'wrong-subject',
      (heard) =>
        london.believable(heard, {
          entries: [
            aCondition(),
            aCondition({ id: 'c2', subject: { reference: 'Patient/p2' } }),
            thePatient(),
          ],
        }),
    ],
    'sends a record about nobody': [
      'wrong-subject',
      (heard) => london.believable(heard, { entries: [aCondition({ subject: undefined }), thePatient()] }),
    ],
    'sends no Patient that the references could mean': [
      'wrong-subject',
      (heard) => london.believable(heard, { entries: [aCondition()] }),
    ],
    'includes what nobody refers to': [
      'wrong-subject',
      (heard) =>
        london.believable(heard, {
          entries: [
            aCondition(),
            thePatient(),
            entryOf({ resourceType: 'Practitioner', id: 'dr' }, 'include'),
          ],
        }),
    ],
  };
  for (const [what, [code, behaviour]] of Object.entries(LIES)) {
    it(`is not believed when it ${what}`, async () => {
      london.behaviour = behaviour;
      await asked.assertNotReached('not-believed', code);
    });
  }

  it('is not believed when it says again what it said to an earlier query', async () => {
    const earlier = await saidTo(PATIENT);
    london.behaviour = () => earlier;
    await asked.assertNotReached('not-believed', 'wrong-query');
  });

  it('is not believed when it answers one patient’s query with another patient’s answer', async () => {
    const other = await saidTo(NEIGHBOUR_PATIENT);
    london.behaviour = () => other;
    await asked.assertNotReached('not-believed', 'wrong-query');
  });

  it('keeps the lie as it was signed, sealed', async () => {
    const lie = await saidTo(NEIGHBOUR_PATIENT);
    london.behaviour = () => lie;
    await asked.ask();
    const rows = await readAudit(asked.federation.config('herts-west-essex'));
    const row = rows.findLast(({ event }) => event === 'response-not-believed');
    assert.equal(row?.values['unbelieved_response'], lie.token);
  });

  async function saidTo(patient: string): Promise<Wire> {
    const said = Promise.withResolvers<Wire>();
    london.behaviour = async (heard) => {
      const wire = await london.genuine(heard);
      said.resolve(wire);
      return wire;
    };
    await asked.viewer.ask(patient, `/fhir/Condition?patient=${patient}`);
    return said.promise;
  }

  function keyOf(region: 'london' | 'essex-suffolk' | 'west-midlands') {
    return new TestNeighbour(asked.federation, region).signer();
  }
});

function lifetime(from: number, until: number): Record<string, number> {
  const now = Math.floor(Date.now() / 1000);
  return { iat: now + from, exp: now + until };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
