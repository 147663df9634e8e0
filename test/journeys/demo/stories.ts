import assert from 'node:assert/strict';

import { REGION_IDS } from '../../../src/demo/places.ts';
import { SYSTEM } from '../../../src/fhir/codes.ts';
import type { Bundle, Resource } from '../../../src/fhir/resource.ts';
import { wayleave } from '../../support/command.ts';
import { matchesOf, rollCallOf } from '../../support/viewer.ts';

/** The stories as a stranger tries them: with the commands that the demo itself prints. */
export function stories(): void {
  describe('the stories, by the command line', () => {
    const story1 = ['ask', '9990000018', '--type', 'AllergyIntolerance', '--region', 'herts-west-essex'];

    it('1: the roll-call comes first, then what London holds', async () => {
      const { code, out } = await wayleave(...story1);
      assert.equal(code, 0);
      const lines = out.split('\n');
      assert.deepEqual(wordsOf(lines[0]), ['region', 'because', 'outcome', 'found', 'time']);
      const rows = lines.slice(1, 5).map((line) => wordsOf(line).slice(0, 4));
      assert.deepEqual(rows, [
        ['herts-west-essex', 'own-record', 'not-asked', '-'],
        ['london', 'care-location', 'answered', '1'],
        ['essex-suffolk', 'no-reason', 'not-asked', '-'],
        ['west-midlands', 'no-reason', 'not-asked', '-'],
      ]);
      assert.match(lines[2] ?? '', /\d+ ms$/);
      const entry = lines.findIndex((line) => line.includes('Carbamazepine'));
      assert.ok(entry > 5, out);
      assert.match(lines[entry] ?? '', /AllergyIntolerance.*london \/ london-care-record$/);
    });

    it('1: --json prints the Bundle, --stream what each region says as it says it', async () => {
      const [json, stream] = await Promise.all([
        wayleave(...story1, '--json'),
        wayleave(...story1, '--stream'),
      ]);
      assert.equal(json.code, 0);
      const bundle = JSON.parse(json.out) as Bundle;
      assert.equal(bundle.type, 'searchset');
      assert.deepEqual(matchesOf(bundle).map(placeOf), ['london/london-care-record']);
      assert.equal(rollCallOf(bundle)['london']?.[0], 'answered');

      assert.equal(stream.code, 0);
      const told = ['london: answered, after', 'Carbamazepine', 'because'].map((text) =>
        stream.out.indexOf(text),
      );
      assert.ok(told.every((place, at) => place >= 0 && place >= (told[at - 1] ?? 0)));
    });

    it("4: One Health and Care's viewer sees the other supplier's record, and what Lister holds", async () => {
      const asked = ['ask', '9990000042', '--region', 'west-midlands', '--json'];
      const [first, second] = await Promise.all([
        wayleave(...asked, '--viewer', 'one-health-and-care-viewer'),
        wayleave(...asked, '--viewer', 'collaborative-care-record-viewer', '--stream'),
      ]);
      assert.deepEqual([first.code, second.code], [0, 0]);
      const places = new Set(matchesOf(JSON.parse(first.out) as Resource).map(placeOf));
      assert.deepEqual(
        [...places].sort(),
        ['herts-west-essex/hwe-shared-care-record', 'west-midlands/collaborative-care-record'].sort(),
      );
      const events = second.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { event: string; data: Resource });
      assert.deepEqual(
        events.map(({ event }) => event),
        ['region', 'region', 'end'],
      );
      const streamed = new Set(events.flatMap(({ data }) => matchesOf(data).map(placeOf)));
      assert.deepEqual(
        [...streamed].sort(),
        ['herts-west-essex/hwe-shared-care-record', 'west-midlands/one-health-and-care'].sort(),
      );
    });

    it('6: nobody is asked about the restricted patient, whoever asks', async () => {
      const answers = await Promise.all(
        REGION_IDS.map((region) => wayleave('ask', '9990000069', '--region', region, '--json')),
      );
      for (const { code, out } of answers) {
        assert.equal(code, 0);
        const bundle = JSON.parse(out) as Bundle;
        assert.deepEqual(matchesOf(bundle), []);
        assert.deepEqual(
          rollCallOf(bundle),
          Object.fromEntries(REGION_IDS.map((region) => [region, ['not-asked', 'restricted']])),
        );
      }
    });

    it('7: something is missing from the answer, so the exit code is 3', async () => {
      const { code, out } = await wayleave(
        ...['ask', '9990000077', '--type', 'Condition', '--region', 'herts-west-essex'],
      );
      assert.equal(code, 3);
      assert.match(out, /^london +care-location, responder-decision +withheld +-/m);
      assert.match(out, /^! /m);
    });

    it('called wrongly, it says what to write and its exit code is 2', async () => {
      const [number, region, status] = await Promise.all([
        wayleave('ask', '9990000019', '--region', 'london'),
        wayleave('ask', '9990000018', '--region', 'atlantis'),
        wayleave('status', '--json'),
      ]);
      assert.deepEqual([number.code, region.code, status.code], [2, 2, 0]);
      assert.equal(number.out + region.out, '');
      assert.doesNotMatch(number.err, /9990000019/);
      assert.match(region.err, /herts-west-essex/);
      const told = JSON.parse(status.out) as { region: string; status: { ready: boolean } }[];
      assert.deepEqual(told.map((one) => one.region).sort(), [...REGION_IDS].sort());
      assert.ok(told.every((one) => one.status.ready));
    });
  });
}

function wordsOf(line = ''): string[] {
  return line.split(/\s{2,}/).filter((word) => word !== '');
}

/** `region/record` of an entry, by its tags. */
function placeOf({ resource }: { resource: Resource }): string {
  const tag = (system: string): string =>
    resource.meta?.tag?.find((one) => one.system === system)?.code ?? '';
  return `${tag(SYSTEM.region)}/${tag(SYSTEM.record)}`;
}
