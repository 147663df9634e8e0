import express, { type Express, type Request, type Response } from 'express';
import type { TLSSocket } from 'node:tls';

import type { Deadline } from '../deadline.ts';
import { RequestError } from '../errors.ts';
import { RESPONSE_HEADER } from '../evidence/response.ts';
import { FHIR_JSON } from '../fhir/resource.ts';
import { allowances } from '../http/allowance.ts';
import { closeApp, createApp, notFound, only, toWayleaveError } from '../http/app.ts';
import { workOn } from '../http/load/work.ts';
import type { Log } from '../log.ts';
import type { Span } from '../span.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import { HELLO_PATH } from '../upstream/neighbour-link.ts';
import { answerAccesses, type AnsweringAccesses } from './answer-accesses.ts';
import { answerLocate, type AnsweringLocates } from './answer-locate.ts';
import { answerPing, type AnsweringPings } from './answer-ping.ts';
import type { SignedAnswer } from './answer.ts';
import { respond, type Responding } from './respond.ts';
import { takeNotices, type TakingNotices } from './take-notices.ts';
import { proved, watchedMessage, type Watching } from './watched-message.ts';
import { witnessApi, type WitnessApiSettings } from './witness-api.ts';

const MOST_QUERY_BYTES = 256 * 1024;
const MOST_QUESTION_BYTES = 16 * 1024;
const MOST_PING_BYTES = 8 * 1024;
const MOST_NOTICE_BYTES = 256 * 1024;
/** A query is never worked on for longer, whatever its sender allows. */
const LONGEST_BUDGET_MS = 30_000;
const DEFAULT_BUDGET_MS = 5_000;

/** The listener between brokers. Its TLS layer has already asked for a certificate. */
export function neighbourApi(
  broker: Responding,
  accesses: AnsweringAccesses,
  locates: AnsweringLocates,
  pings: AnsweringPings,
  notices: TakingNotices,
  witness: WitnessApiSettings,
  ratePerSecond: (region: string) => number,
  watching: Watching,
  log: Log,
): Express {
  const app = createApp();
  const limit = allowances(ratePerSecond);

  // The rate comes first: it costs a neighbour's flood one certificate look-up, not a signature.
  app.use('/federation/v1', async (request, response, next) => {
    const region = regionOf(request, broker);
    proved(response).region = region;
    await limit(region);
    next();
  });
  app.get(HELLO_PATH, (_request, response) => void response.status(204).end());
  const takesSigned = (path: string, mostBytes: number, answer: Answering): void => {
    const json = express.json({ limit: mostBytes, strict: true });
    app.post(path, jsonOnly, json, (request, response) => answerSigned(request, response, answer, watching));
    app.all(path, only('POST'));
  };
  takesSigned('/federation/v1/query', MOST_QUERY_BYTES, {
    ...{ member: 'query', type: FHIR_JSON },
    journey: (token, socket, deadline, span) => respond(token, socket, broker, deadline, span),
  });
  takesSigned('/federation/v1/accesses', MOST_QUESTION_BYTES, {
    ...{ member: 'question', type: 'application/json' },
    journey: (token, socket, deadline, span) => answerAccesses(token, socket, accesses, deadline, span),
  });
  takesSigned('/federation/v1/locate', MOST_QUESTION_BYTES, {
    ...{ member: 'locate', type: 'application/json' },
    journey: (token, socket, deadline, span) => answerLocate(token, socket, locates, deadline, span),
  });
  takesSigned('/federation/v1/ping', MOST_PING_BYTES, {
    ...{ member: 'ping', type: 'application/json' },
    journey: (token, socket, _deadline, span) => answerPing(token, socket, pings, span),
  });
  takesSigned('/federation/v1/notices', MOST_NOTICE_BYTES, {
    ...{ member: 'notice', type: 'application/json' },
    journey: (token, socket, _deadline, span) => takeNotices(token, socket, notices, span),
  });
  app.use('/federation/v1', witnessApi(witness));
  app.use(notFound);
  app.use(countUnproved(broker, watching));
  closeApp(app, log);
  return app;
}

/** A body of another type is refused as such; a body that is missing is a missing query. */
function jsonOnly(request: Request, _response: Response, next: express.NextFunction): void {
  if (request.is('application/json') === false) throw new RequestError('unsupported-media');
  next();
}

/** How one kind of signed message is answered: where it is in the body, and by what. */
interface Answering {
  readonly member: string;
  /** Media type of the answer's body. */
  readonly type: string;
  readonly journey: (
    token: unknown,
    socket: TLSSocket,
    deadline: Deadline,
    span: Span<'neighbour-request'>,
  ) => Promise<SignedAnswer>;
}

async function answerSigned(
  request: Request,
  response: Response,
  { member, type, journey }: Answering,
  watching: Watching,
): Promise<void> {
  using work = workOn(request, response, budgetOf(request));
  const token = (request.body as Record<string, unknown> | undefined)?.[member];
  const answer = await watchedMessage(request, response, member, watching, (span) =>
    journey(token, request.socket as TLSSocket, work.deadline, span),
  );
  response.status(answer.status).type(type).set(RESPONSE_HEADER, answer.token).send(answer.bytes);
}

/** What the sender has left, relative, so that no clock matters. */
function budgetOf(request: Request): number {
  const text = request.get('Wayleave-Budget-Ms');
  if (text === undefined) return DEFAULT_BUDGET_MS;
  if (!/^\d{1,6}$/.test(text)) throw new RequestError('bad-request', 'Wayleave-Budget-Ms');
  return Math.min(Number(text), LONGEST_BUDGET_MS);
}

function regionOf(request: Request, broker: Responding): string {
  const peer = peerCertificateOf(request.socket as TLSSocket);
  return broker.admission.neighbours.identify(peer, 'client', broker.now()).neighbour.region;
}

/** What is refused before the sender is proved is counted, one entry per code and minute. */
function countUnproved(broker: Responding, { onRefusal }: Watching): express.ErrorRequestHandler {
  return async (error: unknown, _request, response, next) => {
    const known = toWayleaveError(error);
    if (known.publicForm.status < 500) onRefusal(proved(response).region, known.code);
    if (known.publicForm.status < 500) await broker.audit.countRefusal(known.code);
    next(error);
  };
}
