import assert from 'node:assert/strict';

import { PUBLIC_FORM } from '../../src/errors.ts';
import { searchParametersOf, SEARCHABLE_TYPES } from '../../src/fhir/search-parameters.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { errorCode, TestViewer } from '../support/viewer.ts';
import { smallData } from './small-data.ts';

interface Capability {
  rest: { resource: { type: string; searchParam: { name: string }[] }[] }[];
}

describe('what the server says of itself', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    federation = await startFederation({ data: smallData(), regions: ['herts-west-essex'] });
    viewer = new TestViewer(federation, 'herts-west-essex');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  it('is FHIR R4 JSON, for everybody with a connection', async () => {
    const { status, body } = await viewer.send('/fhir/metadata');
    assert.equal(status, 200);
    assert.deepEqual(
      [body.resourceType, body['fhirVersion'], body['kind'], body['format']],
      ['CapabilityStatement', '4.0.1', 'instance', ['application/fhir+json']],
    );
  });

  it('names every type that can be searched, with the parameters that are let through and no other', async () => {
    const { body } = await viewer.send('/fhir/metadata');
    const [rest] = (body as unknown as Capability).rest;
    assert.deepEqual(
      rest?.resource.map(({ type }) => type),
      SEARCHABLE_TYPES,
    );
    for (const { type, searchParam } of rest?.resource ?? []) {
      const names = searchParam.map(({ name }) => name);
      const patient = type === 'Patient' ? ['identifier'] : ['patient', 'subject', 'patient.identifier'];
      assert.deepEqual(names, [...patient, ...searchParametersOf(type)]);
    }
  });

  it('serves its code systems, each whole', async () => {
    for (const name of ['outcome', 'reason', 'rule', 'error']) {
      const { status, body } = await viewer.send(`/fhir/CodeSystem/${name}`);
      assert.deepEqual([status, body.resourceType, body.id], [200, 'CodeSystem', name]);
      const concepts = body['concept'] as { code: string; display: string }[];
      assert.equal(body['count'], concepts.length);
      for (const { display } of concepts) assert.ok(display.length > 0);
    }
    const errors = (await viewer.send('/fhir/CodeSystem/error')).body['concept'] as { code: string }[];
    assert.deepEqual(
      errors.map(({ code }) => code),
      Object.keys(PUBLIC_FORM),
    );
  });

  it('has no other code system, inherited ones included', async () => {
    for (const name of ['colour', 'constructor', '__proto__', 'toString']) {
      const { status, body } = await viewer.send(`/fhir/CodeSystem/${name}`);
      assert.deepEqual([status, errorCode(body)], [404, 'not-found']);
    }
  });
});
