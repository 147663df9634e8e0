import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Bundle, Resource } from '../../../src/fhir/resource.ts';
import { ROOT } from '../../support/running-demo.ts';

const SYNTHEA = join(ROOT, '../shared/data/fhir/synthea-r4');
const PATIENTS = 8;
const ENCOUNTERS = 6;
/** More than a record gives in one page. */
const MANY = 300;

/** The Synthea bundles that lie beside the project, or, where they do not, some of our own. */
export class BundlesToLoad {
  #own: string | undefined;

  directory(): string {
    return existsSync(SYNTHEA) ? SYNTHEA : (this.#own ??= writtenBundles());
  }

  remove(): void {
    if (this.#own !== undefined) rmSync(this.#own, { recursive: true });
  }
}

function writtenBundles(): string {
  const directory = mkdtempSync(join(tmpdir(), 'wayleave-bundles-'));
  for (let number = 1; number <= PATIENTS; number++) {
    writeFileSync(join(directory, `patient-${number}.json`), JSON.stringify(patientBundle(number)));
  }
  return directory;
}

/** A patient with encounters, what hangs on each, and (the first) very many observations of no encounter. */
function patientBundle(number: number): Bundle {
  const id = (what: string): string => `${what}-${number}`;
  const subject = { reference: `urn:uuid:${id('patient')}` };
  const resources: Resource[] = [
    { resourceType: 'Patient', id: id('patient'), name: [{ family: `Quillfeather${number}` }] },
    { resourceType: 'AllergyIntolerance', id: id('allergy'), patient: subject },
  ];
  for (let visit = 0; visit < ENCOUNTERS; visit++) {
    const encounter = { reference: `urn:uuid:${id(`visit-${visit}`)}` };
    resources.push(
      {
        resourceType: 'Encounter',
        id: id(`visit-${visit}`),
        subject,
        period: { start: `201${visit}-03-01T09:00:00Z` },
      },
      { resourceType: 'Condition', id: id(`condition-${visit}`), subject, encounter },
      { resourceType: 'Observation', id: id(`observation-${visit}`), subject, encounter },
    );
  }
  for (let more = 0; number === 1 && more < MANY; more++) {
    resources.push({ resourceType: 'Observation', id: id(`reading-${more}`), subject });
  }
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: resources.map((resource) => ({ fullUrl: `urn:uuid:${resource.id}`, resource })),
  };
}
