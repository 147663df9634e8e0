import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';

import { createPdsServer } from '../../src/demo/pds-server.ts';
import { buildStories } from '../../src/demo/stories.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { until } from '../support/until.ts';
import { TestViewer } from '../support/viewer.ts';
import { AccessAsking } from './access-asking.ts';
import { LocateAsking } from './locate-asking.ts';

const PER_SECOND = 4;
/** Of several regions: more than a neighbour's share of the turns. */
const ASKED = ['9990000018', '9990000034', '9990000026', '9990000069'];
const CLINICIANS = '9990900000';
const TO = 'london';
const FROM = 'herts-west-essex';
/** By which the region that is asked is known to the demographics service: other regions share it. */
const HERE = 'QMJ';

describe("neighbours' questions at a demographics service that allows few calls", () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let called: string[];
  let held: (() => void)[];

  before(async () => {
    const data = buildStories(new Date());
    const pds = createPdsServer({ entries: data.demographics });
    const demographics: RequestListener = (request, response) => {
      if (request.headers['nhsd-end-user-organisation-ods'] !== HERE) return void pds(request, response);
      called.push(request.url?.split('/').at(-1) ?? '');
      held.push(() => void pds(request, response));
    };
    federation = await startFederation({
      ...{ data, demographics, regions: [TO, FROM, 'essex-suffolk'] },
      edit: (region, config) => {
        const settings = config['demographics'] as RawConfig;
        Object.assign(settings, { rate_per_second: PER_SECOND, timeout_ms: 5_000, cache: { entries: 0 } });
        if (region === TO) settings['organisation'] = HERE;
        settings['breaker'] = { volume_threshold: 1000 };
      },
    });
    viewer = new TestViewer(federation, TO);
  });
  beforeEach(() => {
    called = [];
    held = [];
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const kinds: Record<string, () => (nhsNumber: string) => Promise<unknown>> = {
    'who else should be asked': () => {
      const asking = new LocateAsking(federation, FROM, TO);
      return (nhsNumber) => asking.ask(nhsNumber);
    },
    'who received a record': () => {
      const asking = new AccessAsking(federation, FROM, TO);
      return (nhsNumber) => asking.ask(nhsNumber);
    },
  };
  for (const [after, asking] of Object.entries(kinds)) {
    it(`after ${after} leave half of them to clinicians`, async () => {
      const ask = asking();
      const questions = ASKED.map((nhsNumber) => ask(nhsNumber));
      await until(() => called.length >= PER_SECOND / 2, 'the share of neighbours');
      const clinician = viewer.ask(CLINICIANS, `/fhir/Condition?patient=${CLINICIANS}`);
      await until(() => called.includes(CLINICIANS), "the clinician's call");
      assert.equal(called.indexOf(CLINICIANS), PER_SECOND / 2);
      await until(() => {
        for (const answer of held.splice(0)) answer();
        return ASKED.every((nhsNumber) => called.includes(nhsNumber));
      }, 'every turn');
      for (const answer of held.splice(0)) answer();
      await Promise.all([clinician, ...questions]);
    });
  }
});
