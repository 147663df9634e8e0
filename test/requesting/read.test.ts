import assert from 'node:assert/strict';

import { SYSTEM } from '../../src/fhir/codes.ts';
import type { Coding, Resource } from '../../src/fhir/resource.ts';
import { askingViewerForAll, startAskingViewer } from '../support/asking-viewer.ts';
import { errorCode, issuesOf, matchesOf } from '../support/viewer.ts';
import { PATIENT, smallData } from './small-data.ts';

const LONDON = '/regions/london/london-care-record/fhir';

function codesOf(body: Resource): (string | undefined)[] {
  const codings: readonly Coding[] = issuesOf(body)[0]?.details.coding ?? [];
  return [SYSTEM.outcome, SYSTEM.reason].map((system) => codings.find((one) => one.system === system)?.code);
}

describe('reading a resource at its full address', () => {
  const asking = askingViewerForAll({ data: smallData() });
  const read = (path: string) => asking.viewer.ask(PATIENT, path);

  it('gives every match of a Bundle again, the same', async () => {
    const { body } = await read(
      `/fhir/Patient/${PATIENT}/$everything?_type=Patient,Condition,DocumentReference`,
    );
    const matches = matchesOf(body);
    assert.equal(matches.length, 5);
    for (const { fullUrl, resource } of matches) {
      const again = await read(fullUrl);
      assert.equal(again.status, 200);
      assert.deepEqual(again.body, resource);
      assert.equal(again.headers['cache-control'], 'no-store');
    }
  });

  it('opens a document: the Binary that the letter refers to, however it does, with via and without', async () => {
    const { body } = await read(`/fhir/DocumentReference?patient=${PATIENT}`);
    const [letter] = matchesOf(body);
    const content = letter?.resource['content'] as { attachment: { url: string } }[];
    const base = `${asking.viewer.base}${LONDON}`;
    const urls = content.map(({ attachment }) => attachment.url);
    assert.deepEqual(urls, ['Binary/b1', `${base}/Binary/b1`, 'https://elsewhere.example/fhir/Binary/b1']);
    for (const url of urls.slice(0, 2)) {
      for (const via of ['', '?via=DocumentReference/d1']) {
        const reply = await read(new URL(url, `${base}/`).href + via);
        assert.equal(reply.status, 200);
        assert.deepEqual(
          [reply.body.resourceType, reply.body['contentType'], reply.body['data']],
          ['Binary', 'text/plain', 'bGV0dGVy'],
        );
      }
    }
  });

  it('opens the practitioner whom the patient’s own resource names', async () => {
    const { status, body } = await read(`${LONDON}/Practitioner/dr?via=DocumentReference/d1`);
    assert.deepEqual([status, body.resourceType, body.id], [200, 'Practitioner', 'dr']);
  });

  const REFUSED: Record<string, [status: number, code: string | undefined, path: string]> = {
    'another patient’s condition': [404, undefined, `${LONDON}/Condition/c2`],
    'another patient’s Patient': [404, undefined, `${LONDON}/Patient/p2`],
    'another patient’s document, via that patient’s letter': [
      404,
      undefined,
      `${LONDON}/Binary/b2?via=DocumentReference/d2`,
    ],
    'another patient’s document, via a letter that does not refer to it': [
      404,
      undefined,
      `${LONDON}/Binary/b2?via=DocumentReference/d1`,
    ],
    'another patient’s document, which no letter leads to': [400, 'via-missing', `${LONDON}/Binary/b2`],
    'a document that there is not': [400, 'via-missing', `${LONDON}/Binary/nothing`],
    'a resource that there is not': [404, undefined, `${LONDON}/Condition/nothing`],
    'an id that cannot be one': [404, 'not-found', `${LONDON}/Condition/a_b`],
    'a type that cannot be one': [404, 'not-found', `${LONDON}/condition/c1`],
    'a via without an id': [400, 'bad-parameter', `${LONDON}/Binary/b1?via=DocumentReference`],
    'a via with too much': [400, 'bad-parameter', `${LONDON}/Binary/b1?via=DocumentReference/d1/x`],
    'a via that leads out': [400, 'bad-parameter', `${LONDON}/Binary/b1?via=../Patient/p2`],
    'a via that is about no patient itself': [
      400,
      'bad-parameter',
      `${LONDON}/Binary/b1?via=Practitioner/dr`,
    ],
    'a record that the region does not have': [404, 'not-found', '/regions/london/other/fhir/Condition/c1'],
    'a region that there is not': [404, 'not-found', '/regions/atlantis/x/fhir/Condition/c1'],
    'a record without an id': [404, 'not-found', `${LONDON}/Condition`],
  };
  for (const [what, [status, code, path]] of Object.entries(REFUSED)) {
    it(`gives ${status} for ${what}`, async () => {
      const { status: got, body, text } = await read(path);
      assert.deepEqual([got, body.resourceType, errorCode(body)], [status, 'OperationOutcome', code]);
      assert.ok(!text.includes('c2VjcmV0') && !text.includes('Asthma'));
    });
  }

  it('cannot tell another patient’s resource from one that there is not', async () => {
    const [other, nothing] = [await read(`${LONDON}/Condition/c2`), await read(`${LONDON}/Condition/c0`)];
    assert.deepEqual([other.status, other.body], [nothing.status, nothing.body]);
  });

  it('says which kind of nothing it is: not asked is not none', async () => {
    assert.deepEqual(codesOf((await read(`${LONDON}/Condition/c0`)).body), ['none', undefined]);
    const own = await read('/regions/herts-west-essex/hwe-shared-care-record/fhir/Condition/c1');
    assert.deepEqual([own.status, ...codesOf(own.body)], [404, 'not-asked', 'own-record']);
    const away = await read('/regions/west-midlands/one-health-and-care/fhir/Condition/c1');
    assert.deepEqual([away.status, ...codesOf(away.body)], [404, 'not-asked', 'no-reason']);
  });

  it('is a 504 where the region is not reached', async () => {
    await asking.federation.stopBroker('london');
    const { status, body } = await read(`${LONDON}/Condition/c1`);
    assert.deepEqual([status, ...codesOf(body)], [504, 'not-reached', 'fault']);
    // Without via the letter cannot be looked for either: that is no "add via".
    const document = await read(`${LONDON}/Binary/b1`);
    assert.deepEqual([document.status, ...codesOf(document.body)], [504, 'not-reached', 'fault']);
  });
});

describe('reading a resource that is withheld', () => {
  it('is a 403 that does not say whether it is there', async () => {
    await using alone = await startAskingViewer();
    for (const id of ['1001', '1050', 'nothing']) {
      const { status, body } = await alone.viewer.ask('9990000077', `${LONDON}/Condition/${id}`);
      assert.deepEqual([status, ...codesOf(body)], [403, 'withheld', 'responder-decision']);
    }
  });
});
