import assert from 'node:assert/strict';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

import { hostNames } from '../../certs-dev/make-region.ts';
import { authorityValidity, leafValidity } from '../../certs-dev/validity.ts';
import type { ConfiguredTracing } from '../../src/config/trace-export.ts';
import { DeliveryError, type DeliveryCode } from '../../src/errors.ts';
import { issueAuthority, issueLeaf, type Credential } from '../../src/trust/issue.ts';
import { OtlpLink } from '../../src/upstream/otlp-link.ts';

const NOW = new Date();
const URI = 'https://collector.example';

describe('a receiver of traces over TLS', () => {
  let server: https.Server;
  let authority: Credential;
  let other: Credential;
  let own: Credential;
  let answer: { status: number; body: string } | undefined;
  const heard: string[] = [];
  before(async () => {
    const named = (name: string) => issueAuthority({ name, ...authorityValidity(NOW) });
    [authority, other] = await Promise.all([named('Collector authority'), named('Another authority')]);
    const leaf = (usage: 'server' | 'client') =>
      issueLeaf(authority, { commonName: usage, uri: URI, usage, ...hostNames(usage), ...leafValidity(NOW) });
    const shown = await leaf('server');
    own = await leaf('client');
    const tls = { cert: shown.certificate, key: shown.key, ca: authority.certificate };
    server = https.createServer(
      { ...tls, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        request.resume().on('end', () => {
          heard.push(`${request.method} ${request.url} ${request.headers['content-type']}`);
          if (answer !== undefined) response.writeHead(answer.status).end(answer.body);
        });
      },
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const link = (change: Partial<ConfiguredTracing> = {}): OtlpLink =>
    new OtlpLink({
      url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
      anchors: authority.certificate,
      own,
      ...{ ratio: 1, tracesPerSecond: 1, queueSpans: 1, everyMs: 50, timeoutMs: 2_000 },
      ...change,
    });
  const fails = async (one: OtlpLink, code: DeliveryCode): Promise<void> => {
    await assert.rejects(one.send('{}'), (error) => error instanceof DeliveryError && error.code === code);
    one.close();
  };

  it('gets JSON by POST, and says how many spans it rejected', async () => {
    const one = link();
    answer = { status: 200, body: '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"full"}}' };
    assert.equal(await one.send('{}'), 3);
    for (const body of [
      '',
      '{}',
      '{"partialSuccess":null}',
      'no JSON',
      '{"partialSuccess":{"rejectedSpans":-1}}',
    ]) {
      answer = { status: 200, body };
      assert.equal(await one.send('{}'), 0, body);
    }
    assert.deepEqual([...new Set(heard)], ['POST /v1/traces application/json']);
    one.close();
  });

  it('is believed by its certificate alone, and asks for ours', async () => {
    answer = { status: 200, body: '{}' };
    const before = heard.length;
    await fails(link({ anchors: other.certificate }), 'tls-failed');
    await fails(link({ anchors: undefined }), 'tls-failed');
    await assert.rejects(link({ own: undefined }).send('{}'), DeliveryError);
    assert.equal(heard.length, before);
  });

  it('has failed where it refuses, redirects, or does not answer in time', async () => {
    answer = { status: 503, body: '' };
    await fails(link(), 'peer-throttled');
    answer = { status: 400, body: '' };
    await fails(link(), 'peer-refused');
    answer = { status: 302, body: '' };
    await fails(link(), 'peer-refused');
    answer = undefined;
    await fails(link({ timeoutMs: 100 }), 'timeout');
  });
});
