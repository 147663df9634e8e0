import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import process from 'node:process';

import { federationClientTls, federationServerTls, viewerServerTls } from '../../src/trust/tls.ts';
import { ANSWERING, ASKING, KEYS } from './places.ts';
import type { RegionId } from '../../src/demo/places.ts';

/**
 * The least that could be done: a process that takes the viewer's HTTPS request with mutual TLS, makes three calls
 * over keep-alive mutual TLS with plain `node:https`, and answers; and the processes that it calls. As many bytes
 * travel as between brokers. No signature, no audit, no FHIR.
 */
export interface FloorPlan {
  /** The region whose keys are used; the asking one makes the calls. */
  readonly region: RegionId;
  readonly port: number;
  /** Ports to call, in the order of `ANSWERING`; none for an answering process. */
  readonly calls: readonly number[];
  readonly bytes: FloorBytes;
}

export interface FloorBytes {
  /** Of one query's body. */
  readonly query: number;
  /** Of one region's answer: its body, and the header beside it. */
  readonly answer: number;
  readonly header: number;
  /** Of the whole answer to the viewer. */
  readonly merged: number;
}

const read = (...names: string[]): string => readFileSync(join(KEYS, ...names), 'utf8');
const anchorOf = (region: string): string => read(region, 'public/ca.pem');

function answeringServer({ region, bytes }: FloorPlan): https.Server {
  const body = Buffer.alloc(bytes.answer, 'a');
  const tls = federationServerTls(serverIdentity(region), [anchorOf(ASKING)]);
  return https.createServer(tls, (request, response) => {
    request.resume().once('end', () => {
      response
        .writeHead(200, { 'Content-Length': body.length, 'Wayleave-Response': 'h'.repeat(bytes.header) })
        .end(body);
    });
  });
}

function askingServer({ region, calls, bytes }: FloorPlan): https.Server {
  const body = Buffer.alloc(bytes.merged, 'm');
  const query = Buffer.alloc(bytes.query, 'q');
  const own = {
    certificate: read(region, 'public/tls-client.pem'),
    key: read(region, 'private/tls-client.key.pem'),
  };
  const agents = ANSWERING.map(
    (neighbour) =>
      new https.Agent({
        ...federationClientTls(own, [anchorOf(neighbour)]),
        keepAlive: true,
        maxCachedSessions: 0,
        checkServerIdentity: () => undefined,
      }),
  );
  const tls = viewerServerTls(serverIdentity(region), [read(region, 'viewers/ca.pem')]);
  return https.createServer(tls, (request, response) => {
    request.resume();
    Promise.all(calls.map((port, at) => call(port, agents[at], query))).then(
      () => response.writeHead(200, { 'Content-Length': body.length }).end(body),
      () => response.writeHead(502).end(),
    );
  });
}

function call(port: number, agent: https.Agent | undefined, query: Buffer): Promise<Buffer> {
  return new Promise((done, failed) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': query.length };
    const options = { host: '127.0.0.1', port, path: '/', method: 'POST', agent, headers };
    https
      .request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => done(Buffer.concat(chunks)));
        response.once('error', failed);
      })
      .once('error', failed)
      .end(query);
  });
}

function serverIdentity(region: string) {
  return {
    certificate: read(region, 'public/tls-server.pem'),
    key: read(region, 'private/tls-server.key.pem'),
  };
}

if (import.meta.main) {
  const plan = JSON.parse(process.argv[2] ?? '') as FloorPlan;
  const server = plan.calls.length > 0 ? askingServer(plan) : answeringServer(plan);
  server.listen(plan.port, '127.0.0.1', () => process.stdout.write('ready\n'));
}
