import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import type { TLSSocket } from 'node:tls';

import { AccessTrail } from '../audit/access-trail.ts';
import { AuditRoom, type LogStatus } from '../audit/audit-room.ts';
import { everyStatement, keepStatements, statementsAtHand } from '../audit/proof/statement-history.ts';
import { LocateTrail } from '../audit/locate-trail.ts';
import type { AuditTrail } from '../audit/trail.ts';
import { chainOf } from '../audit/succession/chain.ts';
import { OurPast, type HeldNote } from '../audit/witnessing/our-past.ts';
import { agreementInForce } from '../config/agreements.ts';
import { configurationDigest } from '../config/digest.ts';
import type { Config } from '../config/load.ts';
import type { Agreement } from '../config/schema.ts';
import type { Secrets } from '../config/secrets.ts';
import { RequestError } from '../errors.ts';
import type { Signer } from '../evidence/keys.ts';
import type { Sender } from '../evidence/query.ts';
import { liveSender, type SigningNow } from '../evidence/sender.ts';
import { Sealer } from '../evidence/seal.ts';
import { errorFields, type Log } from '../log.ts';
import type { Requesting } from '../requesting/requesting.ts';
import { viewerApi } from '../requesting/viewer-api.ts';
import type { AnsweringAccesses } from '../responding/answer-accesses.ts';
import type { AnsweringLocates } from '../responding/answer-locate.ts';
import { PingCounts, type AnsweringPings } from '../responding/answer-ping.ts';
import { neighbourApi } from '../responding/neighbour-api.ts';
import type { Responding } from '../responding/respond.ts';
import type { BrokerStatus } from '../http/broker-status.ts';
import type { Directory } from '../routing/directory.ts';
import { toldRegions } from '../routing/told-regions.ts';
import type { Store } from '../store/contracts.ts';
import type { NoticesStatus } from '../whereabouts/notices/notices-room.ts';
import { logOrigin } from '../tlog/origin.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import type { TlsRole } from '../trust/key-pair-files.ts';
import { shownThumbprint } from '../trust/peer-certificate.ts';
import type { Platforms } from '../trust/platforms.ts';
import type { Viewers } from '../trust/viewers.ts';
import type { Demographics } from '../upstream/demographics.ts';
import type { NeighbourLink } from '../upstream/neighbour-link.ts';
import type { OdsChanges } from '../upstream/ods-changes.ts';
import type { RecordLink } from '../upstream/record-link.ts';
import type { WitnessLink } from '../upstream/witness-link.ts';
import { SyslogLink } from '../upstream/syslog-link.ts';
import type { Crls } from './crls.ts';
import { besideViewers, makeFeeds } from './feeds.ts';
import { witnessesAmong } from './links.ts';
import type { OwnCertificate } from './own-certificate.ts';
import { openNotices } from './notices.ts';
import type { OwnNow } from './own-identity.ts';
import { auditLogIn, patientDigestOf } from './stores.ts';
import type { TrustedNeighbour } from './trusted-neighbours.ts';
import type { Watch } from './watching.ts';

/** What a service stands on, and what stays when it is stopped. */
export interface Parts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly store: Store;
  readonly now: () => number;
  readonly log: Log;
  readonly watch: Pick<Watch, 'spans' | 'metrics'>;
  readonly neighbours: Neighbours;
  readonly crls: Crls;
  readonly viewers: Viewers;
  readonly platforms: Platforms;
  readonly demographics: Demographics;
  readonly odsChanges: OdsChanges | undefined;
  readonly records: readonly RecordLink[];
  /** The neighbours as they stand now. */
  readonly trusted: () => readonly TrustedNeighbour[];
  readonly links: ReadonlyMap<string, NeighbourLink>;
  readonly directory: Directory;
  /** Our certificates. */
  readonly tls: Readonly<Record<TlsRole, OwnCertificate>>;
  readonly logKey: Signer;
  readonly witnessKey: Signer;
  /** Who we are now. */
  readonly own: () => OwnNow;
  /** The roots of our addresses as viewers see them: known once the listeners are there. */
  readonly bases: Readonly<Record<'viewer' | 'viewer_tokens', () => string>>;
}

/** What answers at each listener that patients' data go through. */
export type Handlers = Readonly<Record<'federation' | 'viewer' | 'viewer_tokens', RequestListener>>;

/** Both journeys on one log: what answers, and what witnesses, until it is stopped. */
export interface Service {
  readonly handlers: Handlers;
  /** The log that it writes. */
  readonly origin: string;
  readonly trail: AuditTrail;
  status(): Promise<LogStatus>;
  /** Neighbours' pings that were answered since the start. */
  pings(): ReturnType<PingCounts['all']>;
  /** Notices to and from other regions. */
  notices(): Promise<NoticesStatus>;
  feeds(): BrokerStatus['feeds'];
  countFault(code: string, times?: number): Promise<void>;
  /** For how long the oldest append to the log has waited to be on the disk, in milliseconds. */
  logWaitedMs(): number;
  stop(): Promise<void>;
}

/**
 * Wires both journeys together on the log that is written now.
 *
 * @param openedAt when the store was opened last: what was signed before is not served
 * @param onBehind called when a neighbour turns out to hold what our store does not have
 * @throws StartError for a log that is broken; StoreBehind; HouseError `audit-unavailable`
 */
export async function startService(
  parts: Parts,
  openedAt: number | undefined,
  onBehind: (held: HeldNote) => void,
): Promise<Service> {
  const { config, secrets, store, now, log, neighbours, viewers, links, records, demographics, own } = parts;
  const { trusted, watch } = parts;
  const { broker: first, token: ownToken } = own();
  const settingsOf = (region: string): TrustedNeighbour | undefined =>
    trusted().find((one) => one.region === region);
  const auditLog = await auditLogIn(store, config, secrets, now, {
    waits: () => watch.metrics.appendWaits(),
    over: (ms, kept) => watch.metrics.appendOver(ms, kept),
  });
  const neighboursNow = { statementToken: ownToken, neighbours: trusted() };
  const statements = statementsAtHand(neighboursNow, store.statements);
  await keepStatements(store.statements, [statements.own, ...statements.others], now());
  // A checkpoint of before a rotation was signed by a former key.
  const ours = await everyStatement([statements.own], statements.history);
  const logKeys = ours.flatMap(({ broker }) => broker.log_keys);
  const witnesses = (): WitnessLink[] => witnessesAmong(links, config);
  const listed = logOrigin(config.entity, config.replica);
  const former = chainOf(await store.log.logs(), listed).filter((origin) => origin !== auditLog.origin);
  const auditRoom = new AuditRoom({
    ...{ log: auditLog, store, entity: config.entity, neighbours, report: log, now },
    ...{ logKey: parts.logKey.key, witnessKey: parts.witnessKey.key, logKeys },
    ...{ witnesses, former, onBehind, sequence: () => own().broker.sequence },
    past: new OurPast({ store: store.log, logs: first.logs, keys: logKeys, listed }),
    checkpoints: { everyMs: config.checkpoint_ms, everyEntries: config.checkpoint_entries },
    streams: config.audit_streams.map((one) =>
      one.kind === 'syslog' ? { ...one, sink: new SyslogLink(one) } : one,
    ),
  });
  const signing = (): SigningNow => ({ signer: own().signer, statement: own().broker.sequence });
  const answeringOn =
    (checkpoint?: () => string | undefined) =>
    (socket: TLSSocket): Sender => {
      const thumbprint = shownThumbprint(socket);
      if (thumbprint === undefined) throw new RequestError('certificate-missing');
      return liveSender(config.entity, () => thumbprint, signing, checkpoint);
    };
  const shared = {
    region: config.region,
    directory: parts.directory,
    agreementWith: (region: string): Agreement | undefined => agreementInForce(trusted(), region, now()),
    patientDigest: patientDigestOf(secrets),
    audit: auditRoom.trail,
    now,
    log,
  };
  const sender = liveSender(config.entity, () => parts.tls.client.thumbprint, signing);
  const { room: notices, taking } = openNotices({
    ...{ config, secrets, demographics, store, neighbours, links, auditLog, sender },
    ...shared,
    admission: { self: config.entity, neighbours, openedAt },
    senderOn: answeringOn(() => auditRoom.latestNote()),
  });
  const requesting: Requesting = {
    ...shared,
    ownRecords: config.records.map((record) => record.id),
    publicBase: parts.bases.viewer,
    door: { viewers, replay: store.replay, self: config.entity, openedAt },
    registrations: notices.hearing(demographics),
    ...{ careLocations: store.careLocations, toldRegions: toldRegions(store) },
    register: store.register,
    withoutRegistration: config.routing.without_registration,
    recentMonths: config.routing.recent_months,
    neighbours,
    links,
    sender,
    auditReading: {
      ...{ store: store.log, archive: store.archive, log: auditLog },
      parties: {
        ...{ region: config.region, entity: config.entity },
        entityOf: (region) => settingsOf(region)?.entity,
        issuerOf: (viewer) => config.viewers.find(({ id }) => id === viewer)?.issuer,
      },
    },
    checkpoints: auditRoom.watch,
    proofs: auditRoom.proofs,
    pages: new Sealer(secrets.pagingKey),
    budgets: config.budgets,
    locateAudit: new LocateTrail(auditLog),
    withoutLocate: config.routing.without_locate,
    spans: watch.spans,
    onToldAnswer: (...told) => notices.toldCounts.add(...told),
  };
  const responding: Responding = {
    ...shared,
    admission: { self: config.entity, neighbours, openedAt },
    objections: store.objections,
    reading: {
      links: records,
      cursors: new Sealer(secrets.cursorKey),
      entity: config.entity,
      region: config.region,
      now,
      log,
    },
    senderOn: answeringOn(() => auditRoom.latestNote()),
  };
  const accesses: AnsweringAccesses = {
    ...responding,
    ...{ registrations: demographics, accessAudit: new AccessTrail(auditLog) },
    logs: {
      ...{ store: store.log, archive: store.archive, log: auditLog },
      ...{ digest: shared.patientDigest, region: config.region },
    },
    cursors: responding.reading.cursors,
  };
  const locates: AnsweringLocates = {
    ...responding,
    ...{ region: config.region, registrations: demographics, locateAudit: requesting.locateAudit },
    ...{ careLocations: store.careLocations, toldRegions: toldRegions(store) },
  };
  const pings: AnsweringPings = {
    ...{ admission: responding.admission, replay: store.replay, senderOn: answeringOn(), now },
    ...{ counts: new PingCounts(), countRefusal: (code) => auditRoom.trail.countRefusal(code) },
  };
  const witness = {
    ...{ desk: auditRoom.desk, inclusions: auditRoom.inclusions, neighbours, log: store.log, now },
    origin: auditLog.origin,
  };
  const feeds = makeFeeds(parts, auditLog, auditRoom.trail, shared.patientDigest, notices.onSeen);
  const watching = {
    spans: watch.spans,
    onRefusal: (region: string | undefined, code: string) => watch.metrics.refused(region, code),
  };
  const rateOf = (region: string): number => settingsOf(region)?.rate_per_second ?? 0;

  const told = {
    ...{ region: config.region, statement: first.sequence },
    configuration: configurationDigest(config),
  };
  const asked = await auditRoom.start(randomUUID(), told, (error) => log.error(errorFields(error), 'log'));
  const unasked = witnesses().length - asked;
  if (unasked > 0) {
    log.warn({ unasked }, 'not every neighbour could be asked what it holds of our log');
  }
  notices.start();
  feeds.start();
  return {
    origin: auditLog.origin,
    handlers: {
      federation: neighbourApi(responding, accesses, locates, pings, taking, witness, rateOf, watching, log),
      viewer: besideViewers(feeds.handler, viewerApi(requesting, 'certificate')),
      // Links lead back to the listener that was asked: the other one is closed to who has no certificate.
      viewer_tokens: viewerApi({ ...requesting, publicBase: parts.bases.viewer_tokens }, 'single-use'),
    },
    trail: auditRoom.trail,
    status: () => auditRoom.status(),
    pings: () => pings.counts.all(),
    feeds: () => feeds.status(),
    countFault: (code, times) => auditRoom.trail.countRefusal(code, times),
    logWaitedMs: () => auditLog.waitedMs,
    notices: () => notices.status(),
    stop: async () => {
      // First who brings something, then who takes it.
      await feeds.stop();
      await notices.stop();
      await auditRoom.stop();
    },
  };
}
