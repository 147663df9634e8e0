import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import type { TLSSocket } from 'node:tls';

import { RequestError } from '../../errors.ts';
import { FHIR_JSON } from '../../fhir/resource.ts';
import { allowances } from '../../http/allowance.ts';
import { closeApp, createApp, only, sendFhir, takes } from '../../http/app.ts';
import type { Log } from '../../log.ts';
import { peerCertificateOf } from '../../trust/peer-certificate.ts';
import type { Platform, Platforms } from '../../trust/platforms.ts';
import { batchResponse, outcomeOf, readEncounterBundle, refusedTransaction } from './encounter-bundle.ts';
import { receiveEncounters } from './receive-encounters.ts';
import type { Feeding } from './recorded.ts';

const JSON_TYPES = [FHIR_JSON, 'application/json'];
const MOST_BODY_BYTES = 4 * 1024 * 1024;
const TRANSACTION_REFUSED = 422;

export interface FeedDoor extends Feeding {
  readonly platforms: Platforms;
  /** Durable when it resolves. */
  readonly countRefusal: (code: string) => Promise<void>;
  readonly counts: FeedCounts;
  readonly log: Log;
}

/** What platforms brought since the start. */
export class FeedCounts {
  readonly #counts = new Map<string, { encounters: number; last: string }>();

  add({ id }: Platform, encounters: number, at: number): void {
    const known = this.#counts.get(id)?.encounters ?? 0;
    this.#counts.set(id, { encounters: known + encounters, last: new Date(at).toISOString() });
  }

  all(): { platform: string; encounters: number; last: string }[] {
    return [...this.#counts].map(([platform, count]) => ({ platform, ...count }));
  }
}

/**
 * FHIR R4 for the region's own platforms, which tell where patients were treated: `POST /feeds/fhir/Encounter` (one) and
 * `POST /feeds/fhir` (a Bundle, batch or transaction). Who it is, is judged before anything is read.
 */
export function feedApi(feeds: FeedDoor): Express {
  const app = createApp();
  const spend = allowances((id) => rates.get(id) ?? 0);
  const rates = new Map<string, number>();
  const identified = new WeakMap<Request, Platform>();
  const identify: RequestHandler = async (request, _response, next) => {
    const platform = await identifiedAs(request, feeds);
    rates.set(platform.id, platform.requests_per_second);
    await spend(platform.id);
    identified.set(request, platform);
    next();
  };
  const platformOf = (request: Request): Platform => {
    const platform = identified.get(request);
    if (platform === undefined) throw new TypeError('it was identified');
    return platform;
  };
  const body = [takes(...JSON_TYPES), express.json({ type: JSON_TYPES, limit: MOST_BODY_BYTES })];

  app
    .route('/feeds/fhir/Encounter')
    .post(identify, ...body, async (request: Request, response: Response) => {
      const platform = platformOf(request);
      const [received] = await receiveEncounters([request.body], platform, false, feeds);
      if (received === undefined || received instanceof RequestError)
        throw received ?? new RequestError('bad-json');
      feeds.counts.add(platform, 1, feeds.now());
      sendFhir(response, 200, outcomeOf(received));
    })
    .all(only('POST'));
  app
    .route('/feeds/fhir')
    .post(identify, ...body, async (request: Request, response: Response) => {
      const platform = platformOf(request);
      const { type, entries } = readEncounterBundle(request.body);
      const received = await receiveEncounters(entries, platform, type === 'transaction', feeds);
      const refused = received.filter((one) => one instanceof RequestError).length;
      if (type === 'transaction' && refused > 0) {
        sendFhir(response, TRANSACTION_REFUSED, refusedTransaction(received));
        return;
      }
      feeds.counts.add(platform, received.length - refused, feeds.now());
      sendFhir(response, 200, batchResponse(type, received));
    })
    .all(only('POST'));
  closeApp(app, feeds.log);
  return app;
}

/** Who is refused is counted, durably, before it is answered. */
async function identifiedAs(request: Request, { platforms, countRefusal, now }: FeedDoor): Promise<Platform> {
  try {
    return platforms.byCertificate(peerCertificateOf(request.socket as TLSSocket), now());
  } catch (error) {
    if (error instanceof RequestError) await countRefusal(`platform-${error.code}`);
    throw error;
  }
}
