import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { leafValidity, pastValidity } from '../../certs-dev/validity.ts';
import { signCertificate } from '../../src/trust/certificate.ts';
import { issueAuthority, issueLeaf, type Credential } from '../../src/trust/issue.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { errorCode, issuesOf, TestViewer } from '../support/viewer.ts';
import { refusalCounts } from './audit-rows.ts';
import { PATIENT, smallData } from './small-data.ts';

const DAY = 86_400_000;
const ASK = `/fhir/Condition?patient=${PATIENT}`;

describe('the viewer’s certificate', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let clockAhead = 0;
  const now = new Date();
  before(async () => {
    federation = await startFederation({ data: smallData(), now: () => Date.now() + clockAhead });
    viewer = new TestViewer(federation, 'herts-west-essex');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const read = (name: string): string => readFileSync(join(federation.directory, 'keys', name), 'utf8');
  const authority = (): Credential => ({
    certificate: read('herts-west-essex/viewers/ca.pem'),
    key: read('herts-west-essex/offline/viewers-ca.key.pem'),
  });
  const uri = (): string => viewer.claims(PATIENT).iss;
  const leaf = (change: object = {}, by = authority()): Promise<Credential> =>
    issueLeaf(by, { commonName: 'viewer', uri: uri(), usage: 'client', ...leafValidity(now), ...change });

  /** Asks with a good token over a connection with another certificate. */
  async function askWith(credential?: { certificate: string; key: string }) {
    const headers = { Authorization: `Bearer ${await viewer.token(PATIENT)}` };
    const { ca } = viewer.tls();
    const own = credential === undefined ? {} : { cert: credential.certificate, key: credential.key };
    return new Promise<{ status: number; body: never }>((resolve, reject) => {
      const request = https.get(`${viewer.base}${ASK}`, { agent: false, ca, headers, ...own }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const body = JSON.parse(Buffer.concat(chunks).toString()) as never;
          resolve({ status: response.statusCode ?? 0, body });
        });
      });
      request.on('error', reject);
    });
  }

  const files = (certificate: string, key: string) => () =>
    Promise.resolve({ certificate: read(certificate), key: read(key) });
  const NO_CONNECTION: Record<string, () => Promise<Credential | undefined>> = {
    'no certificate': () => Promise.resolve(undefined),
    'another region’s viewer': files(
      'london/viewers/london-viewer/client.pem',
      'london/viewers/london-viewer/client.key.pem',
    ),
    'the broker’s own client certificate': files(
      'herts-west-essex/public/tls-client.pem',
      'herts-west-essex/private/tls-client.key.pem',
    ),
    'a neighbouring broker’s certificate': files(
      'london/public/tls-client.pem',
      'london/private/tls-client.key.pem',
    ),
    'its own certificate after it expired': () => leaf(pastValidity(now)),
    'one of an authority of the same name': async () => {
      const name = 'Wayleave development viewers CA: herts-west-essex';
      return leaf({}, await issueAuthority({ name, ...leafValidity(new Date(now.getTime() + DAY)) }));
    },
    'one for servers': () => leaf({ usage: 'server' }),
    'one that a viewer’s own certificate issued': async () => {
      const issuer = await leaf();
      const profile = { commonName: 'viewer', usage: 'client', authority: false } as const;
      const made = await signCertificate({ ...profile, uris: [uri()], ...leafValidity(now) }, issuer);
      return { certificate: made.certificate + issuer.certificate, key: made.key };
    },
  };
  for (const [what, make] of Object.entries(NO_CONNECTION)) {
    it(`gets no connection with ${what}, and that is counted`, async () => {
      const before = await faults();
      await assert.rejects(askWith(await make()));
      // The connection is closed first, the count is on the disk a moment later.
      for (let tries = 0; tries < 50 && (await faults()) === before; tries += 1) await sleep(20);
      assert.equal(await faults(), before + 1);
    });
  }

  it('is refused where its authority is right and it names nobody registered', async () => {
    for (const name of [`${uri()}/other`, 'https://herts-west-essex.wayleave.example', `${uri()}x`]) {
      const { status, body } = await askWith(await leaf({ uri: name }));
      assert.deepEqual([status, errorCode(body)], [403, 'certificate-unknown'], name);
    }
  });

  it('is refused with two names, the right one among them', async () => {
    const profile = {
      commonName: 'viewer',
      usage: 'client',
      authority: false,
      ...leafValidity(now),
    } as const;
    for (const uris of [[uri(), 'https://elsewhere.example'], [uri(), uri()], []]) {
      const { status, body } = await askWith(await signCertificate({ ...profile, uris }, authority()));
      assert.deepEqual([status, errorCode(body)], [403, 'certificate-name']);
    }
  });

  it('is bound to its tokens: a second good certificate of the same viewer needs tokens of its own', async () => {
    const { status, body } = await askWith(await leaf());
    assert.deepEqual([status, errorCode(body)], [401, 'token-refused']);
    assert.equal(issuesOf(body)[0]?.diagnostics, 'wrong-binding');
  });

  it('speaks for its own viewer alone, also beside another of the same region', async () => {
    const [one, other] = ['mid-south-essex-viewer', 'suffolk-viewer'].map(
      (id) => new TestViewer(federation, 'essex-suffolk', id),
    );
    assert.ok(one && other);
    const stolen = await other.token(PATIENT, { cnf: one.claims(PATIENT).cnf });
    const { status, body } = await one.ask(PATIENT, ASK, { token: stolen });
    assert.deepEqual([status, issuesOf(body)[0]?.diagnostics], [401, 'unknown-kid']);
    one.close();
    other.close();
  });

  it('is judged on every request, not once per connection', async () => {
    assert.equal((await viewer.ask(PATIENT, ASK)).status, 200);
    clockAhead = 400 * DAY;
    const token = await viewer.token(PATIENT, {}, { now: Date.now() + clockAhead });
    const { status, body } = await viewer.ask(PATIENT, ASK, { token });
    assert.deepEqual([status, errorCode(body)], [403, 'certificate-expired']);
    clockAhead = 0;
  });

  /** Everything that was counted at the viewers' door, failed handshakes included. */
  async function faults(): Promise<number> {
    const counts = await refusalCounts(federation, 'herts-west-essex');
    const own = Object.entries(counts).filter(([code]) => code.startsWith('viewer-'));
    return own.reduce((sum, [, count]) => sum + count, 0);
  }
});
