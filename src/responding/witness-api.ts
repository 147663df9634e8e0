import express, { type Router } from 'express';
import type { TLSSocket } from 'node:tls';
import { z } from 'zod';

import { MOST_INCLUSIONS, type InclusionDesk } from '../audit/inclusion/inclusion-desk.ts';
import type { WitnessDesk } from '../audit/witnessing/witness-desk.ts';
import { RequestError } from '../errors.ts';
import { only, takes } from '../http/app.ts';
import type { LogStore } from '../store/contracts.ts';
import { LARGEST_REQUEST_BYTES } from '../tlog/add-checkpoint.ts';
import { consistencyProof } from '../tlog/proofs.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import { STATEMENT_HEADER, type Neighbours } from '../trust/neighbours.ts';

/** What neighbours ask of each other's logs. */
export interface WitnessApiSettings {
  readonly desk: WitnessDesk;
  readonly inclusions: InclusionDesk;
  readonly neighbours: Neighbours;
  readonly log: LogStore;
  /** The origin of this replica's log. */
  readonly origin: string;
  readonly now: () => number;
}

const PLAIN = 'text/plain';
const MOST_JSON_BYTES = 16 * 1024;
const LONGEST_ORIGIN = 300;

/**
 * `POST /add-checkpoint` (C2SP tlog-witness); `GET /witnessed`: the notes that we cosigned last, one after another
 * with a line of `.` between, and in a header which statement of the caller's we have approved;
 * `GET /consistency?from=&to=&log=`: the proof of one of our logs (of the one that this replica writes, where `log` is
 * left out), a base64 hash a line; `POST /inclusion`: proofs that our logs hold what became of the caller's own queries.
 */
export function witnessApi({ desk, inclusions, neighbours, log, origin, now }: WitnessApiSettings): Router {
  const router = express.Router();
  const text = [takes(PLAIN), express.text({ type: PLAIN, limit: LARGEST_REQUEST_BYTES })];
  const json = [takes('application/json'), express.json({ limit: MOST_JSON_BYTES })];
  router
    .route('/add-checkpoint')
    .post(text, async (request: express.Request, response: express.Response) => {
      const socket = request.socket as TLSSocket;
      const peer = neighbours.identify(peerCertificateOf(socket), 'client', now());
      const body: unknown = request.body;
      const answer = await desk.addCheckpoint(typeof body === 'string' ? body : '', peer.neighbour);
      response.status(answer.status).type(answer.type).send(answer.body);
    })
    .all(only('POST'));
  router
    .route('/witnessed')
    .get(async (request, response) => {
      const peer = neighbours.identify(peerCertificateOf(request.socket as TLSSocket), 'client', now());
      response.set(STATEMENT_HEADER, String(peer.neighbour.broker.sequence));
      response.type(PLAIN).send((await desk.witnessed()).join(NOTE_BREAK));
    })
    .all(only('GET', 'HEAD'));
  router
    .route('/consistency')
    .get(async (request, response) => {
      const [from, to] = [sizeOf(request.query['from']), sizeOf(request.query['to'])];
      const asked = logIn(request.query['log'], origin);
      if (from > to || to > (await log.head(asked)).size) throw new RequestError('bad-parameter', 'to');
      const proof = await consistencyProof(from, to, (tiles) => log.tiles(asked, tiles));
      response.type(PLAIN).send(proof.map((hash) => `${hash.toString('base64')}\n`).join(''));
    })
    .all(only('GET', 'HEAD'));
  router
    .route('/inclusion')
    .post(json, async (request: express.Request, response: express.Response) => {
      const socket = request.socket as TLSSocket;
      const peer = neighbours.identify(peerCertificateOf(socket), 'client', now());
      response.json(await inclusions.inclusionsOf(peer.neighbour.region, jtisIn(request.body)));
    })
    .all(only('POST'));
  return router;
}

/** No line of a note is a full stop alone. */
export const NOTE_BREAK = '.\n';

const inclusionRequest = z.object({ jtis: z.array(z.string().min(1).max(64)).min(1).max(MOST_INCLUSIONS) });

/** @throws RequestError `bad-request` */
function jtisIn(body: unknown): string[] {
  const parsed = inclusionRequest.safeParse(body);
  if (!parsed.success) throw new RequestError('bad-request', 'jtis');
  return parsed.data.jtis;
}

/** Any log of the store is ours; of one that it does not have nothing is told, its size being 0. @throws RequestError `bad-parameter` */
function logIn(value: unknown, own: string): string {
  if (value === undefined) return own;
  if (typeof value !== 'string' || value.length > LONGEST_ORIGIN)
    throw new RequestError('bad-parameter', 'log');
  return value;
}

function sizeOf(value: unknown): number {
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) throw new RequestError('bad-parameter', 'size');
  return Number(value);
}
