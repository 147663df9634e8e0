import assert from 'node:assert/strict';

import { careLocationsForm, configuredCareLocations } from '../../src/config/care-locations.ts';
import { StartError } from '../../src/errors.ts';

const platform = (id: string, uri: string) => ({
  ...{ id, name: id, organisations: ['RJ6'] },
  certificate: { uri: `https://${uri}.example`, anchors: 'ca.pem' },
});
const configured = (given: object) =>
  configuredCareLocations(
    careLocationsForm.parse(given),
    { records: [{ id: 'record' }], source: 'here.yaml' },
    () => 'PEM',
  );

describe('care_locations of a configuration', () => {
  it('has defaults for everything', () => {
    assert.deepEqual(configured({}), { retention_days: 3_650, platforms: [], polling: [] });
    assert.deepEqual(configured({ polling: [{ record: 'record' }] }).polling, [
      { record: 'record', every_ms: 60_000, overlap_ms: 300_000, page_size: 100 },
    ]);
    const [read] = configured({ platforms: [platform('a', 'a')] }).platforms;
    assert.deepEqual([read?.anchors, read?.requests_per_second], ['PEM', 5]);
  });

  const WRONG: Record<string, object> = {
    'one id twice': { platforms: [platform('a', 'a'), platform('a', 'b')] },
    'two platforms with one certificate': { platforms: [platform('a', 'a'), platform('b', 'a')] },
    'one record twice': { polling: [{ record: 'record' }, { record: 'record' }] },
    'a record that is none': { polling: [{ record: 'other' }] },
  };
  for (const [name, given] of Object.entries(WRONG)) {
    it(`refuses ${name} with a sentence`, () => {
      assert.throws(
        () => configured(given),
        (error) => error instanceof StartError && /^here\.yaml: care_locations\./.test(error.message),
      );
    });
  }

  it('refuses a retention of months, and a platform that speaks for nobody', () => {
    assert.throws(() => configured({ retention_days: 90 }));
    assert.throws(() => configured({ platforms: [{ ...platform('a', 'a'), organisations: [] }] }));
  });
});
