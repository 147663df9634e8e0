import { createServer, type RequestListener } from 'node:http';
import process from 'node:process';

import { NHS_NUMBER_SYSTEM } from '../../src/fhir/nhs-number.ts';

/**
 * Three records and the demographics service as one small process. Every answer is a fixed text: what is measured
 * is never the record.
 */
export interface StandInPorts {
  readonly records: readonly number[];
  readonly demographics: number;
}

export const NHS_NUMBER = '9990000018';
/** How many resources each record holds. */
export const HELD = 5;

const FHIR_JSON = 'application/fhir+json';

function recordListener(port: number): RequestListener {
  const base = `http://127.0.0.1:${port}/fhir`;
  const patient = {
    resourceType: 'Patient',
    id: 'p1',
    meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' },
    identifier: [{ system: NHS_NUMBER_SYSTEM, value: NHS_NUMBER }],
    name: [{ family: 'Fixed', given: ['Answer'] }],
    birthDate: '1970-01-01',
  };
  const conditions = Array.from({ length: HELD }, (_, at) => condition(at));
  const bodies = new Map([
    ['/fhir/Patient', searchset(base, [patient])],
    ['/fhir/Condition', searchset(base, conditions)],
  ]);
  return fixedAnswers((path) => bodies.get(path));
}

/** About 900 bytes, as a coded problem of a general practice record is. */
function condition(at: number) {
  return {
    resourceType: 'Condition',
    id: `condition-${at}`,
    meta: {
      versionId: '1',
      lastUpdated: '2026-01-01T00:00:00Z',
      profile: ['https://fhir.hl7.org.uk/StructureDefinition/UKCore-Condition'],
    },
    clinicalStatus: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }],
    },
    verificationStatus: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-ver-status', code: 'confirmed' }],
    },
    code: {
      coding: [{ system: 'http://snomed.info/sct', code: '195967001', display: 'Asthma' }],
      text: 'Asthma, seen every year in the practice',
    },
    subject: { reference: 'Patient/p1' },
    encounter: { reference: `Encounter/e${at}` },
    asserter: { reference: 'Practitioner/gp', display: 'The general practitioner' },
    onsetDateTime: '2019-03-01',
    recordedDate: '2019-03-02T09:30:00+00:00',
  };
}

function searchset(base: string, resources: readonly { resourceType: string; id: string }[]): string {
  return JSON.stringify({
    resourceType: 'Bundle',
    type: 'searchset',
    total: resources.length,
    link: [{ relation: 'self', url: `${base}/` }],
    entry: resources.map((resource) => ({
      fullUrl: `${base}/${resource.resourceType}/${resource.id}`,
      resource,
      search: { mode: 'match' },
    })),
  });
}

/** PDS knows the patient and no practice, so every neighbour is asked. */
function demographicsListener(): RequestListener {
  const patient = JSON.stringify({
    resourceType: 'Patient',
    id: NHS_NUMBER,
    meta: {
      security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'U' }],
    },
    identifier: [{ system: NHS_NUMBER_SYSTEM, value: NHS_NUMBER }],
  });
  return fixedAnswers(() => patient);
}

function fixedAnswers(bodyOf: (path: string) => string | undefined): RequestListener {
  return (request, response) => {
    const url = request.url ?? '';
    const cut = url.indexOf('?');
    const body = bodyOf(cut < 0 ? url : url.slice(0, cut)) ?? '{"resourceType":"CapabilityStatement"}';
    response
      .writeHead(200, { 'Content-Type': FHIR_JSON, 'Content-Length': Buffer.byteLength(body) })
      .end(body);
  };
}

if (import.meta.main) {
  const ports = JSON.parse(process.argv[2] ?? '') as StandInPorts;
  const servers = [
    ...ports.records.map((port) => createServer(recordListener(port)).listen(port, '127.0.0.1')),
    createServer(demographicsListener()).listen(ports.demographics, '127.0.0.1'),
  ];
  await Promise.all(servers.map((server) => new Promise((done) => server.once('listening', done))));
  process.stdout.write('ready\n');
}
