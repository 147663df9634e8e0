import type { IncomingMessage, RequestListener } from 'node:http';

import { CareLocationTrail } from '../audit/care-location-trail.ts';
import type { AuditLog } from '../audit/log.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { BrokerStatus } from '../http/broker-status.ts';
import type { OnSeen } from '../routing/seen-patients.ts';
import type { Config } from '../config/load.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/contracts.ts';
import type { Platforms } from '../trust/platforms.ts';
import { RecordLink } from '../upstream/record-link.ts';
import { FeedCounts, feedApi } from '../whereabouts/feeds/feed-api.ts';
import { ForgetOld } from '../whereabouts/forget-old.ts';
import { EncounterPolling } from '../whereabouts/polling/encounter-polling.ts';
import { AtHand } from '../whereabouts/polling/at-hand.ts';

/** One page is asked for at a time: clinicians' questions have the record's other link, with its own breaker, to themselves. */
const CAPACITY = 2;

interface FeedParts {
  readonly config: Pick<Config, 'care_locations'>;
  readonly store: Pick<Store, 'careLocations' | 'streams'>;
  readonly platforms: Platforms;
  readonly records: readonly RecordLink[];
  readonly now: () => number;
  readonly log: Log;
}

/** What feeds the care-location index while the broker runs, and what keeps it from growing old. */
export interface Feeds {
  readonly handler: RequestListener;
  status(): BrokerStatus['feeds'];
  start(): void;
  stop(): Promise<void>;
}

export function makeFeeds(
  { config, store, platforms, records, now, log }: FeedParts,
  auditLog: AuditLog,
  trail: Pick<AuditTrail, 'countRefusal'>,
  patientDigest: (nhsNumber: string) => string,
  onSeen: OnSeen,
): Feeds {
  const { polling, retention_days: retentionDays } = config.care_locations;
  const audit = new CareLocationTrail(auditLog);
  const feeding = { store: store.careLocations, audit, patientDigest, onSeen, now };
  const counts = new FeedCounts();
  const forget = new ForgetOld({ store: store.careLocations, audit, retentionDays, now, log });
  const links: RecordLink[] = [];
  const polled = polling.map(({ record: id, every_ms: everyMs, ...settings }) => {
    const shared = records.find(({ record }) => record.id === id);
    if (shared === undefined) throw new TypeError('a record that is configured');
    const { record, destination } = shared;
    const breaker = { ...record.breaker, capacity: CAPACITY };
    const link = new RecordLink({ ...record, breaker }, log, now, 'polled-record');
    links.push(link);
    const isWell = (): boolean => destination.status().circuit === 'closed';
    const atHand = new AtHand();
    return new EncounterPolling({
      ...feeding,
      link,
      cursors: store.streams,
      atHand,
      settings,
      everyMs,
      isWell,
      log,
    });
  });
  return {
    handler: feedApi({
      ...feeding,
      platforms,
      countRefusal: (code) => trail.countRefusal(code),
      counts,
      log,
    }),
    status: () => ({ platforms: counts.all(), polling: polled.map((one) => one.status()) }),
    start: () => [forget, ...polled].forEach((one) => one.start()),
    stop: async () => {
      await Promise.all([forget, ...polled].map((one) => one.stop()));
      for (const link of links) link.close();
    },
  };
}

/** Platforms have addresses of their own beside the viewers'. */
export function besideViewers(feeds: RequestListener, viewers: RequestListener): RequestListener {
  return (request, response) => {
    (isFeed(request) ? feeds : viewers)(request, response);
  };
}

export function isFeed({ url = '' }: Pick<IncomingMessage, 'url'>): boolean {
  return /^\/feeds(?:[/?]|$)/.test(url);
}
