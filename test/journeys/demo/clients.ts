import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Client } from 'fhir-kit-client';

import type { Bundle, Resource } from '../../../src/fhir/resource.ts';
import { wayleave } from '../../support/command.ts';
import { DemoViewer } from '../../support/running-demo.ts';
import { matchesOf, rollCallOf } from '../../support/viewer.ts';

const NHS_NUMBER = '9990000018';

/** Software that others wrote asks the broker as if it were one FHIR server. */
export function clients(): void {
  describe('clients that others wrote', () => {
    let viewer: DemoViewer;
    before(() => {
      viewer = new DemoViewer('herts-west-essex');
    });

    it("curl, with a token, the viewer's certificate and the CA file, gets a Bundle", async () => {
      const token = (await wayleave('token', NHS_NUMBER, '--region', 'herts-west-essex')).out.trim();
      const { code, stdout, stderr } = await curl(
        ...['--cacert', viewer.files.ca, '--cert', viewer.files.cert, '--key', viewer.files.key],
        ...['--header', `Authorization: Bearer ${token}`, '--write-out', '\n%{http_code} %{content_type}'],
        `${viewer.base}/fhir/AllergyIntolerance?patient=${NHS_NUMBER}`,
      );
      assert.equal(code, 0, stderr);
      const [body = '', told] = stdout.split('\n');
      assert.equal(told, '200 application/fhir+json; charset=utf-8');
      const bundle = JSON.parse(body) as Bundle;
      assert.equal(bundle.type, 'searchset');
      assert.equal(matchesOf(bundle).length, 1);
      assert.equal(rollCallOf(bundle)['london']?.[0], 'answered');
    });

    it('curl without the certificate, or without the CA file, gets nothing', async () => {
      const token = await viewer.token(NHS_NUMBER);
      const url = `${viewer.base}/fhir/AllergyIntolerance?patient=${NHS_NUMBER}`;
      const header = ['--header', `Authorization: Bearer ${token}`];
      const [noCertificate, noCa] = await Promise.all([
        curl('--cacert', viewer.files.ca, ...header, url),
        curl('--cert', viewer.files.cert, '--key', viewer.files.key, ...header, url),
      ]);
      assert.notEqual(noCertificate.code, 0);
      assert.notEqual(noCa.code, 0);
      assert.equal(noCertificate.stdout + noCa.stdout, '');
    });

    it('fhir-kit-client gets the same entries, page by page with its own helper', async () => {
      const expected = matchesOf(
        (await viewer.ask(NHS_NUMBER, `/fhir/Observation?patient=${NHS_NUMBER}`)).resource,
      ).map(({ fullUrl }) => fullUrl);
      const client = await fhirKitClient(viewer);
      const found: string[] = [];
      let pages = 0;
      let bundle: unknown = await client.search({
        resourceType: 'Observation',
        searchParams: { patient: NHS_NUMBER, _count: '4' },
      });
      while (bundle !== undefined && pages < 20) {
        const page = matchesOf(bundle as Resource);
        assert.ok(page.length <= 4);
        found.push(...page.map(({ fullUrl }) => fullUrl));
        pages += 1;
        bundle = await client.nextPage({ bundle: bundle as PagedBundle });
      }
      assert.ok(pages >= 2);
      assert.deepEqual(found.sort(), expected.sort());
    });

    it('fhir-kit-client reads a resource at its fullUrl, and a document that it refers to', async () => {
      const client = await fhirKitClient(viewer);
      const bundle = (await client.search({
        resourceType: 'DocumentReference',
        searchParams: { patient: NHS_NUMBER },
      })) as unknown as Bundle;
      const [entry] = matchesOf(bundle);
      assert.ok(entry);
      const read = (await client.request(entry.fullUrl)) as unknown as Resource;
      assert.deepEqual(read, entry.resource);

      const attachment = /"url":"([^"]*Binary\/[^"]+)"/.exec(JSON.stringify(entry.resource))?.[1] ?? '';
      const base = entry.fullUrl.slice(0, entry.fullUrl.indexOf('/DocumentReference/'));
      const document = (await (
        await fhirKitClient(viewer, base)
      ).read({
        resourceType: 'Binary',
        id: attachment.slice(attachment.lastIndexOf('/') + 1),
      })) as unknown as Resource;
      assert.equal(document.resourceType, 'Binary');
      assert.ok(String(document['data']).length > 0);
    });

    it('fhir-kit-client is refused another patient than its token is for', async () => {
      const client = await fhirKitClient(viewer);
      await assert.rejects(
        client.search({ resourceType: 'Condition', searchParams: { patient: '9990000026' } }),
        (error: Error & { response?: { status: number; data: Resource } }) =>
          error.response?.status === 403 && error.response.data.resourceType === 'OperationOutcome',
      );
    });
  });
}

type PagedBundle = Parameters<Client['nextPage']>[0]['bundle'];

/** The client as its README has it; `requestOptions` go into the RequestInit of every call. */
async function fhirKitClient(viewer: DemoViewer, baseUrl = `${viewer.base}/fhir`): Promise<Client> {
  // Node loads fetch, and with it the dispatcher that is looked for, at its first use.
  await fetch('data:,');
  return new Client({
    baseUrl,
    bearerToken: await viewer.token(NHS_NUMBER),
    requestOptions: { dispatcher: dispatcherFor(viewer) },
  });
}

/**
 * Node's fetch takes its connections from an undici dispatcher, and a client certificate is an option of one. The
 * class comes from the dispatcher that fetch itself uses, so that it is always of the version that fetch expects.
 */
function dispatcherFor({ files }: DemoViewer): object {
  const key = Symbol.for('undici.globalDispatcher.1');
  const { constructor: Agent } = Reflect.get(globalThis, key) as {
    constructor: new (options: object) => object;
  };
  const read = (file: string): string => readFileSync(file, 'utf8');
  return new Agent({ connect: { cert: read(files.cert), key: read(files.key), ca: read(files.ca) } });
}

interface Curled {
  /** Exit code, or why it could not be run. */
  readonly code: string | number;
  readonly stdout: string;
  readonly stderr: string;
}

function curl(...args: string[]): Promise<Curled> {
  return new Promise((done, failed) => {
    execFile('curl', ['--silent', '--show-error', '--max-time', '20', ...args], (error, stdout, stderr) => {
      const code = error?.code ?? 0;
      if (code !== 'ENOENT') return done({ code, stdout, stderr });
      failed(
        new Error('curl is not on the PATH: install it (on Debian `apt-get install curl`) and run again.'),
      );
    });
  });
}
