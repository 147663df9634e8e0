import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { RegionId } from '../../src/demo/places.ts';
import { readAudit } from '../support/audit.ts';
import { wayleave } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestViewer, type Reply } from '../support/viewer.ts';

const LAUNCH = resolve(import.meta.dirname, '../../src/launch.js');
const PATIENT = '9990000018';
const ASKER: RegionId = 'herts-west-essex';
const RESPONDER: RegionId = 'london';
const WAIT_MS = 10_000;

describe('wayleave evidence', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let reply: Reply;
  let id: string;
  let jti: string;

  const config = (region: RegionId): string[] => ['--config', join(federation.directory, `${region}.yaml`)];
  const place = (name: string): string => join(federation.directory, name);
  const federationKey = (region: RegionId): string[] => [
    '--federation-key',
    place(join('keys', region, 'public/federation.jwks.json')),
  ];
  /** As on another machine: nothing around it but the program and the files that it is given. */
  const verifyAlone = (...words: string[]): { code: number | null; out: string; err: string } => {
    const cwd = place('empty');
    mkdirSync(cwd, { recursive: true });
    const ran = spawnSync(process.execPath, [LAUNCH, 'evidence', 'verify', ...words], { cwd, env: {} });
    return { code: ran.status, out: ran.stdout.toString(), err: ran.stderr.toString() };
  };

  before(async () => {
    federation = await startFederation({ edit: (_region, raw) => (raw['checkpoint_ms'] = 200) });
    viewer = new TestViewer(federation, ASKER);
    reply = await viewer.ask(PATIENT, `/fhir/Patient/${PATIENT}/$everything`);
    id = String(reply.headers['x-request-id']);
    // A round of the witnesses later, the responder's log has proved that it holds the answer.
    for (const end = Date.now() + WAIT_MS; ;) {
      const rows = await readAudit(federation.config(ASKER));
      jti = rows.find(({ event }) => event === 'query-sent')?.jti ?? '';
      if (rows.some(({ event }) => event === 'inclusion-proved')) break;
      assert.ok(Date.now() < end, 'no proof came');
      await new Promise((done) => setTimeout(done, 100));
    }
    writeFileSync(place('body.json'), reply.text);
    for (const [region, name] of [
      [ASKER, id],
      [RESPONDER, jti],
    ] as const) {
      const { code, err } = await wayleave(
        'evidence',
        'export',
        name,
        ...config(region),
        '--out',
        place(`${region}.json`),
      );
      assert.equal(code, 0, err);
    }
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  for (const region of [ASKER, RESPONDER]) {
    it(`proves at ${region} what it wrote while the broker ran, with nothing but the file`, () => {
      const { code, out, err } = verifyAlone(place(`${region}.json`));
      assert.equal(code, 0, out + err);
      assert.doesNotMatch(out, /FAILED/);
      assert.match(out, /ok +cosignature .*\.wayleave\.example\/witness at /);
      assert.match(out, /not checked +federation-key /);
      assert.doesNotMatch(out, /99900000\d\d|dr\.test/);
    });

    it(`proves at ${region} the Bundle that the viewer saw, under the keys that are known`, () => {
      const keys = [
        ...federationKey(ASKER),
        ...federationKey(RESPONDER),
        ...federationKey('essex-suffolk'),
        ...federationKey('west-midlands'),
      ];
      const { code, out } = verifyAlone(place(`${region}.json`), '--body', place('body.json'), ...keys);
      assert.equal(code, 0, out);
      assert.match(out, /ok +body .*\d+ of the body's \d+ resources/);
      assert.match(out, /ok +federation-key /);
    });
  }

  it("shows at the asker that the responder's own log holds the answer, cosigned", () => {
    const { out } = verifyAlone(place(`${ASKER}.json`));
    assert.match(out, /ok +other-log .*cosigned by /);
  });

  it('says as JSON what it says in words', () => {
    const { code, out } = verifyAlone(place(`${ASKER}.json`), '--json');
    const verdict = JSON.parse(out) as { holds: boolean; steps: { check: string; result: string }[] };
    assert.deepEqual([code, verdict.holds], [0, true]);
    assert.ok(verdict.steps.every(({ result }) => result !== 'failed'));
  });

  it('answers 1 for a file that was changed, a body that was changed, and a key that is not the one', () => {
    const text = readFileSync(place(`${ASKER}.json`), 'utf8');
    writeFileSync(place('changed.json'), text.replace('"sequence":', '"sequence": '));
    writeFileSync(place('changed-body.json'), reply.text.replace('"active"', '"inactive"'));
    assert.notEqual(readFileSync(place('changed-body.json'), 'utf8'), reply.text);
    const form = verifyAlone(place('changed.json'));
    assert.equal(form.code, 1);
    assert.match(form.out, /FAILED +form/);
    const body = verifyAlone(place(`${ASKER}.json`), '--body', place('changed-body.json'));
    assert.equal(body.code, 1);
    assert.match(body.out, /FAILED +resource/);
    assert.equal(verifyAlone(place(`${ASKER}.json`), ...federationKey(RESPONDER)).code, 1);
  });

  it('writes a file for its owner alone, and over no other', async () => {
    const file = place(`${ASKER}.json`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const before = readFileSync(file);
    const { code } = await wayleave('evidence', 'export', id, ...config(ASKER), '--out', file);
    assert.equal(code, 1);
    assert.deepEqual(readFileSync(file), before);
  });

  it('writes to standard output the same text, and what it says elsewhere', async () => {
    const { code, out, err } = await wayleave('evidence', 'export', jti, ...config(RESPONDER));
    assert.equal(code, 0);
    writeFileSync(place('piped.json'), out);
    assert.equal(verifyAlone(place('piped.json')).code, 0);
    assert.match(err, /2 entries/);
  });

  it('exports after the broker has stopped', async () => {
    await federation.stopBroker('west-midlands');
    const { code, out } = await wayleave('evidence', 'export', '0', ...config('west-midlands'));
    assert.equal(code, 0);
    assert.match(out, /"started/);
  });

  const CALLS: [string, number, () => string[]][] = [
    ['an id that is not there', 1, () => ['export', 'no-such-exchange', ...config(ASKER)]],
    ['no region', 2, () => ['export', id]],
    ['no file', 2, () => ['verify']],
    ['a file that is not there', 2, () => ['verify', place('nowhere.json')]],
    [
      'a body that is not there',
      2,
      () => ['verify', place(`${ASKER}.json`), '--body', place('nowhere.json')],
    ],
    [
      'keys that are none',
      2,
      () => ['verify', place(`${ASKER}.json`), '--federation-key', place('body.json')],
    ],
    ['an unknown option', 2, () => ['verify', place(`${ASKER}.json`), '--bdoy', 'x']],
    ['an unknown command', 2, () => ['exprot', id]],
  ];
  for (const [name, exit, words] of CALLS) {
    it(`answers ${name} with a sentence and exit code ${exit}`, async () => {
      const { code, err } = await wayleave('evidence', ...words());
      assert.equal(code, exit, err);
      assert.ok(err.length > 0);
      assert.doesNotMatch(err, /\n {4}at /);
    });
  }
});
