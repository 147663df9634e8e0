import assert from 'node:assert/strict';

import { formatEvidence, type EvidenceFile } from '../../src/audit/proof/evidence-file.ts';
import { readLeaf } from '../../src/audit/entry.ts';
import type { Step } from '../../src/audit/proof/verdict.ts';
import { verifyEvidence } from '../../src/audit/proof/verify-file.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { SYSTEM } from '../../src/fhir/codes.ts';
import type { Bundle, BundleEntry, Resource } from '../../src/fhir/resource.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { matchesOf, TestViewer, type Reply } from '../support/viewer.ts';
import { withLog } from './evidence-of.ts';

const PATIENT = '9990000018';
const ASKER: RegionId = 'herts-west-essex';

describe('an evidence file with a body beside it', () => {
  let federation: TestFederation;
  let viewer: TestViewer;

  const exported = async (region: RegionId, id: string): Promise<EvidenceFile> =>
    withLog(federation, region, async (log) => (await log.export(id)).file);
  const evidenceOf = (reply: Reply): Promise<EvidenceFile> =>
    exported(ASKER, String(reply.headers['x-request-id']));
  const stepsWith = async (file: EvidenceFile, body: string | object): Promise<readonly Step[]> => {
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    return (await verifyEvidence(Buffer.from(formatEvidence(file)), { body: bytes })).steps;
  };
  /** ok / failed / not-checked of each resource of the body, in its order. */
  const judged = async (file: EvidenceFile, body: string | object): Promise<string[]> =>
    (await stepsWith(file, body)).filter(({ check }) => check === 'resource').map(({ result }) => result);

  before(async () => {
    federation = await startFederation({ edit: (_region, config) => (config['checkpoint_ms'] = 120_000) });
    viewer = new TestViewer(federation, ASKER);
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  describe('a merged Bundle, as the viewer saw it', () => {
    let reply: Reply;
    let file: EvidenceFile;
    const changed = (change: (entry: BundleEntry[]) => void): Bundle => {
      const bundle = structuredClone(reply.body) as Bundle;
      change(bundle.entry ?? []);
      return bundle;
    };
    before(async () => {
      reply = await viewer.ask(PATIENT, `/fhir/Patient/${PATIENT}/$everything`);
      file = await evidenceOf(reply);
    });

    it('has every resource of a region in the list, moved addresses and tags undone', async () => {
      const entries = (reply.body as Bundle).entry ?? [];
      assert.ok(entries.length > 50);
      const moved = entries.filter(({ resource }) =>
        JSON.stringify(resource).includes(`"${viewer.base}/regions/`),
      );
      assert.ok(moved.length > 0, 'a resource with an address in its record');
      const results = await judged(file, reply.text);
      assert.deepEqual(
        results,
        entries.map(({ search }) => (search?.mode === 'outcome' ? 'not-checked' : 'ok')),
      );
    });

    it('fails where a resource was changed, added, or is said to be from elsewhere', async () => {
      const first = async (
        change: (entry: BundleEntry & { resource: Resource }) => void,
      ): Promise<string | undefined> => {
        const body = changed(([entry]) => change(entry as BundleEntry & { resource: Resource }));
        return (await judged(file, body))[0];
      };
      assert.equal(await first(() => undefined), 'ok');
      assert.equal(await first(({ resource }) => (resource['note'] = [{ text: 'more' }])), 'failed');
      assert.equal(await first(({ resource }) => (resource.id = 'another')), 'failed');
      assert.equal(await first(({ resource }) => delete resource['code']), 'failed');
      assert.equal(await first(({ resource }) => (resource.meta = {})), 'failed');
      const retag = (nth: number, code: string) => (entry: { resource: Resource }) => {
        const tags = entry.resource.meta?.tag ?? [];
        const tag = tags.at(nth);
        if (tag !== undefined) tag.code = code;
      };
      assert.equal(await first(retag(-3, 'essex-suffolk')), 'failed');
      assert.equal(await first(retag(-2, 'urgent-care-plans')), 'failed');
    });

    it('takes no resource of one record for one of another of the same region', async () => {
      const body = changed((entries) => {
        for (const { resource } of entries) {
          const tag = resource?.meta?.tag?.find(({ system }) => system === SYSTEM.record);
          if (tag !== undefined) tag.code = 'urgent-care-plans';
        }
      });
      assert.ok(!(await judged(file, body)).includes('ok'));
    });

    it('does not fail where something is left out: a page shows a part', async () => {
      const body = changed((entries) => entries.splice(3));
      assert.deepEqual(await judged(file, body), ['ok', 'ok', 'ok']);
    });

    it('names no resource by its id', async () => {
      const said = (await stepsWith(file, reply.text)).map(({ says }) => says).join('\n');
      for (const { resource } of matchesOf(reply.body)) assert.ok(!said.includes(String(resource.id)));
      assert.doesNotMatch(said, /99900000\d\d/);
    });
  });

  it('a read of one resource is in the list', async () => {
    const found = await viewer.ask(PATIENT, `/fhir/DocumentReference?patient=${PATIENT}`);
    const [entry] = matchesOf(found.body);
    const read = await viewer.ask(PATIENT, entry?.fullUrl ?? '');
    assert.equal(read.status, 200);
    const file = await evidenceOf(read);
    assert.deepEqual(await judged(file, read.text), ['ok']);
    assert.deepEqual(await judged(file, { ...read.body, status: 'superseded' }), ['failed']);
  });

  it('a resource that was shown in part, and what the broker made itself, are said not to be checked', async () => {
    const parts = await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}&_elements=code`);
    const shown = await judged(await evidenceOf(parts), parts.text);
    const entries = (parts.body as Bundle).entry ?? [];
    assert.deepEqual(
      shown,
      entries.map(({ search }) => (search?.mode === 'include' ? 'ok' : 'not-checked')),
    );
    const index = await viewer.ask(
      PATIENT,
      `/fhir/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|${PATIENT}`,
    );
    const results = await judged(await evidenceOf(index), index.text);
    assert.ok(results.includes('not-checked') && !results.includes('failed'), results.join());
    const { resource } = ((index.body as Bundle).entry ?? [])[0] ?? {};
    assert.deepEqual(await judged(await evidenceOf(index), { ...resource, gender: 'other' }), ['failed']);
  });

  it('the body as it travelled is the one that was signed, byte by byte', async () => {
    const neighbour = new TestNeighbour(federation, ASKER);
    const jti = crypto.randomUUID();
    const reply = await neighbour.send('london', await neighbour.query('london', PATIENT, { jti }));
    assert.equal(reply.status, 200);
    const file = await exported('london', jti);
    const checks = (await stepsWith(file, reply.text)).map(({ check }) => check);
    assert.ok(checks.includes('body-digest'));
    assert.deepEqual([...new Set(await judged(file, reply.text))], ['ok']);
    const spaced = await stepsWith(file, `${reply.text} `);
    assert.ok(!spaced.some(({ check }) => check === 'body-digest'));
    assert.ok(spaced.every(({ result }) => result !== 'failed'));
  });

  it("at a responder, another region's resources are not its to prove", async () => {
    const other = new TestViewer(federation, 'west-midlands', 'one-health-and-care-viewer');
    const reply = await other.ask('9990000042', '/fhir/Patient/9990000042/$everything');
    other.close();
    const asked = await exported('west-midlands', String(reply.headers['x-request-id']));
    assert.ok(!(await judged(asked, reply.text)).includes('failed'));
    const leaves = asked.entries.map(({ leaf }) => readLeaf(Buffer.from(leaf)));
    const sent = leaves.find(({ event, region }) => event === 'query-sent' && region === ASKER);
    const answered = await exported(ASKER, sent?.jti ?? '');
    const results = await judged(answered, reply.text);
    assert.ok(results.includes('ok') && results.includes('not-checked') && !results.includes('failed'));
  });

  it('a body that is no FHIR fails', async () => {
    const file = await evidenceOf(await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`));
    for (const body of [
      '',
      '{}',
      'null',
      '[]',
      '"x"',
      '['.repeat(1000),
      '{"resourceType":"Bundle","entry":[1]}',
    ]) {
      const results = (await stepsWith(file, body)).map(({ result }) => result);
      assert.ok(results.includes('failed'), body.slice(0, 20));
    }
  });
});
