import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';

import type { DeliveryCode } from '../../src/errors.ts';
import { sha256 } from '../../src/evidence/digests.ts';
import type { Reason } from '../../src/fhir/codes.ts';
import { rollCallOf } from '../support/viewer.ts';
import { until } from '../support/until.ts';
import { AskedOfLiars } from './asked-of-liars.ts';
import { LyingLondon, type Behaviour } from './lying-london.ts';

const MEGABYTE = 1024 * 1024;
const TWENTY_MEGABYTES = Buffer.alloc(20 * MEGABYTE, ' ');
/** What Hertfordshire waits for London here. */
const TIMEOUT_MS = 1000;

describe('a neighbour that breaks on the wire', () => {
  let asked: AskedOfLiars;
  let london: LyingLondon;
  let decoy: LyingLondon;
  before(async () => {
    asked = await AskedOfLiars.start({ timeout_ms: TIMEOUT_MS });
    ({ london } = asked);
    decoy = await LyingLondon.listen();
    decoy.present(asked.federation);
    decoy.behaviour = (heard) => decoy.believable(heard);
  });
  after(async () => {
    decoy.close();
    await asked.stop();
  });

  const status =
    (code: number): Behaviour =>
    () => ({ status: code, body: '<html></html>', type: 'text/html' });
  const BROKEN: Record<string, [reason: Reason, code: DeliveryCode, behaviour: Behaviour]> = {
    'never answers': ['timeout', 'timeout', () => undefined],
    'begins an answer and never ends it': [
      'timeout',
      'timeout',
      async (heard, response) => {
        const { token = '', body } = await london.believable(heard);
        response.writeHead(200, { 'Wayleave-Response': token });
        response.write(String(body).slice(0, 100));
        return undefined;
      },
    ],
    'lets its answer drip without end': [
      'timeout',
      'timeout',
      async (heard, response) => {
        await begin(heard, response);
        const drip = setInterval(() => response.write(' '), 50);
        response.on('close', () => clearInterval(drip));
        return undefined;
      },
    ],
    'breaks off in the middle': [
      'fault',
      'lost-connection',
      async (heard, response) => {
        const { token = '', body } = await london.believable(heard);
        const length = { 'Content-Length': String(body.length) };
        response.writeHead(200, { 'Wayleave-Response': token, ...length });
        response.write(String(body).slice(0, 100), () => response.destroy());
        return undefined;
      },
    ],
    'hangs up instead of answering': [
      'fault',
      'lost-connection',
      (_heard, response) => void response.destroy(),
    ],
    'sends 20 MB, rightly signed': [
      'fault',
      'answer-too-large',
      async (heard) => {
        const claims = { body_digest: sha256(TWENTY_MEGABYTES) };
        return { ...(await london.believable(heard, { claims })), body: TWENTY_MEGABYTES };
      },
    ],
    'sends as fast as it can without end': [
      'fault',
      'answer-too-large',
      async (heard, response) => {
        await begin(heard, response);
        const block = Buffer.alloc(MEGABYTE, ' ');
        const pour = (): void => {
          while (!response.destroyed && response.write(block));
        };
        response.on('drain', pour);
        pour();
        return undefined;
      },
    ],
    'floods with headers': [
      'fault',
      'answer-too-large',
      (_heard, response) => {
        for (let at = 0; at < 300; at += 1) response.setHeader(`x-${at}`, 'x'.repeat(1024));
        response.end();
        return undefined;
      },
    ],
    'packs its answer, which was not asked for': [
      'not-believed',
      'wrong-body' as DeliveryCode,
      async (heard, response) => {
        const { token = '', body } = await london.believable(heard);
        response.writeHead(200, { 'Wayleave-Response': token, 'Content-Encoding': 'gzip' });
        response.end((await import('node:zlib')).gzipSync(body));
        return undefined;
      },
    ],
    'answers 500': ['fault', 'peer-failed', status(500)],
    'answers 502 with HTML': ['fault', 'peer-failed', status(502)],
    'answers 503': ['busy', 'peer-throttled', status(503)],
    'answers 429': ['busy', 'peer-throttled', status(429)],
    'refuses without a signature': ['refused', 'peer-refused', status(403)],
  };
  for (const [what, [reason, code, behaviour]] of Object.entries(BROKEN)) {
    it(`that ${what} is ${reason}`, async () => {
      london.behaviour = behaviour;
      await asked.assertNotReached(reason, code);
    });
  }

  for (const code of [301, 302, 303, 307, 308]) {
    it(`that sends us elsewhere (${code}) is not followed, even to one that could answer`, async () => {
      london.behaviour = (_heard, response) => {
        response.writeHead(code, { Location: `https://127.0.0.1:${decoy.port}/federation/v1/query` });
        response.end();
        return undefined;
      };
      await asked.assertNotReached('fault', 'peer-failed');
      assert.equal(decoy.heard.length, 0);
    });
  }

  it('is asked again and believed as soon as it is well', async () => {
    london.behaviour = (heard) => london.genuine(heard);
    const { body } = await asked.ask();
    assert.deepEqual(rollCallOf(body)['london'], ['answered', 'care-location']);
  });

  it('is not asked while it wants to be left alone, and that is said', async () => {
    london.behaviour = (_heard, response) => {
      response.writeHead(503, { 'Retry-After': '60' }).end();
      return undefined;
    };
    // It has answered a moment ago: until that is past, it turns away one call, and not all.
    const told = async () => rollCallOf((await asked.ask()).body)['london']?.at(-1);
    await until(async () => (await told()) === 'throttled', 'its wish');
    const heard = london.heard.length;
    await asked.assertNotReached('throttled', 'left-alone');
    assert.equal(london.heard.length, heard);
  });

  async function begin(heard: Parameters<Behaviour>[0], response: ServerResponse): Promise<void> {
    const { token = '' } = await london.believable(heard);
    response.writeHead(200, { 'Wayleave-Response': token });
    response.flushHeaders();
  }
});
