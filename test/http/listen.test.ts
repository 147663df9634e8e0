import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';

import express from 'express';

import { closeApp, createApp, sendFhir, takes } from '../../src/http/app.ts';
import { listen, type Listener } from '../../src/http/listen.ts';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const REQUEST_MS = 300;
const FORM = 'Content-Type: application/x-www-form-urlencoded';

describe('a listener, to what is no good request', () => {
  const faults: string[] = [];
  let listener: Listener;

  before(async () => {
    const app = createApp();
    app.all('/', takes('application/x-www-form-urlencoded'), express.urlencoded(), (_request, response) =>
      sendFhir(response, 200, { resourceType: 'Basic' }),
    );
    closeApp(app, SILENT);
    listener = await listen({
      name: 'test',
      host: '127.0.0.1',
      port: 0,
      handler: app,
      requestMs: REQUEST_MS,
      onFault: (code) => void faults.push(code),
    });
  });
  after(() => listener.close(0));
  beforeEach(() => void (faults.length = 0));

  /** Everything that comes back until the listener closes the connection. */
  async function sent(text: string): Promise<string> {
    const socket = connect(listener.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(text);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }
  function assertRefused(answer: string, status: number, code: string): void {
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(head, /^content-type: application\/fhir\+json/im);
    assert.match(head, /^cache-control: no-store$/im);
    const { resourceType, issue } = JSON.parse(body) as {
      resourceType: string;
      issue: { details: { coding: { code: string }[] } }[];
    };
    assert.deepEqual([resourceType, issue[0]?.details.coding[0]?.code], ['OperationOutcome', code]);
  }

  it('whose body comes too slowly: 408', async () => {
    assertRefused(
      await sent(`POST / HTTP/1.1\r\nHost: l\r\n${FORM}\r\nContent-Length: 9\r\n\r\na=`),
      408,
      'too-slow',
    );
    assert.deepEqual(faults, ['ERR_HTTP_REQUEST_TIMEOUT']);
  });

  it('whose headers come too slowly: 408', async () => {
    assertRefused(await sent('GET / HTTP/1.1\r\nHost: l\r\nX-A'), 408, 'too-slow');
    assert.deepEqual(faults, ['ERR_HTTP_REQUEST_TIMEOUT']);
  });

  it('without a Host: 400', async () => {
    assertRefused(await sent('GET / HTTP/1.1\r\nConnection: close\r\n\r\n'), 400, 'bad-request');
  });

  it('with an expectation that nobody knows: answered all the same', async () => {
    const answer = await sent('GET / HTTP/1.1\r\nHost: l\r\nExpect: miracles\r\nConnection: close\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 200 .*\{"resourceType":"Basic"\}$/s);
  });

  it('with a body that is not announced as what is taken: 415', async () => {
    const request = 'POST / HTTP/1.1\r\nHost: l\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=b';
    assertRefused(await sent(request), 415, 'unsupported-media');
  });

  it('with no body and no type: answered', async () => {
    const request = 'POST / HTTP/1.1\r\nHost: l\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
    assert.match(await sent(request), /^HTTP\/1\.1 200 /);
  });
});
