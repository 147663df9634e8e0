import { randomUUID, X509Certificate } from 'node:crypto';

import { AuditTrail } from './audit/trail.ts';
import type { Config } from './config/load.ts';
import type { Agreement } from './config/schema.ts';
import type { Secrets } from './config/secrets.ts';
import { startDeadline } from './deadline.ts';
import { StartError } from './errors.ts';
import { importSigner } from './evidence/keys.ts';
import type { Sender } from './evidence/query.ts';
import { keyedDigest, Sealer } from './evidence/seal.ts';
import { ownStatement, pinnedNeighbours } from './evidence/pinned-neighbours.ts';
import { adminApi, statementApi, type BrokerStatus } from './http/admin-api.ts';
import { listen, type Listener } from './http/listen.ts';
import { createLog, type Log } from './log.ts';
import { planFor } from './requesting/plan-question.ts';
import type { Requesting } from './requesting/requesting.ts';
import { viewerApi } from './requesting/viewer-api.ts';
import { isInForce } from './responding/decide-sharing.ts';
import { neighbourApi } from './responding/neighbour-api.ts';
import type { Responding } from './responding/respond.ts';
import { Directory } from './routing/directory.ts';
import type { Plan } from './routing/plan.ts';
import type { Store } from './store/contracts.ts';
import { openSqliteStore } from './store/sqlite/store.ts';
import { certificateLife } from './trust/certificate-life.ts';
import { Neighbours } from './trust/neighbours.ts';
import { thumbprintOf } from './trust/peer-certificate.ts';
import { federationServerTls, viewerServerTls, type TlsIdentity } from './trust/tls.ts';
import { Viewers } from './trust/viewers.ts';
import { Demographics } from './upstream/demographics.ts';
import { NeighbourLink } from './upstream/neighbour-link.ts';
import { RecordLink } from './upstream/record-link.ts';

/** What a composition may replace: a store, a clock, a log. */
export interface Overrides {
  readonly store?: Store;
  readonly now?: () => number;
  readonly log?: Log;
}

/** A region's broker: started once, stopped once. */
export interface Broker {
  /** Ports that were taken, by listener: useful where the configuration says 0. */
  readonly ports: {
    readonly viewer: number;
    readonly federation: number;
    readonly admin: number;
    readonly statement: number;
  };
  status(): Promise<BrokerStatus>;
  /** Takes no more, lets what is under way end, closes everything. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 10_000;

/** Opens the store that a configuration names, for the broker and for the commands that work on it. */
export function openStore(config: Config, now: () => number = Date.now): Promise<Store> {
  return openSqliteStore(config.store.slice('sqlite:'.length), now);
}

/** The keyed digest under which this region's store knows a patient. */
export function patientDigestOf(secrets: Secrets): (nhsNumber: string) => string {
  return (nhsNumber) => keyedDigest(secrets.patientDigestKey, nhsNumber);
}

/** The planner alone, over a region's own knowledge: for the command that says whom a broker would ask. */
export async function openRouting(
  config: Config,
  secrets: Secrets,
): Promise<{
  planFor(nhsNumber: string, viewer: { own_records: readonly string[] }): Promise<Plan>;
  close(): Promise<void>;
}> {
  const log = createLog(config.region, 'silent');
  const store = await openStore(config);
  const demographics = new Demographics(config.demographics, log, Date.now);
  const digest = patientDigestOf(secrets);
  return {
    planFor: async (nhsNumber, viewer) => {
      using deadline = startDeadline(config.budgets.bundle_ms);
      const asking = {
        region: config.region,
        ownRecords: config.records.map((record) => record.id),
        directory: new Directory(config.directory),
        registrations: demographics,
        careLocations: store.careLocations,
        withoutRegistration: config.routing.without_registration,
        agreementWith: (region: string) => agreementOf(config, region, Date.now()),
        patientDigest: digest,
        now: Date.now,
      };
      return (await planFor({ nhsNumber, shownByViewer: viewer.own_records }, asking, deadline)).plan;
    },
    close: async () => {
      demographics.close();
      await store.close();
    },
  };
}

/** The sharing agreement with a region, if it is in force at `at`. */
function agreementOf(config: Config, region: string, at: number): Agreement | undefined {
  const agreement = config.neighbours.find((neighbour) => neighbour.region === region)?.agreement;
  return agreement !== undefined && isInForce(agreement, at) ? agreement : undefined;
}

/**
 * Wires one region's broker together and starts its listeners.
 *
 * @throws StartError a sentence with what is wrong and what to do
 */
export async function startBroker(
  config: Config,
  secrets: Secrets,
  overrides: Overrides = {},
): Promise<Broker> {
  const now = overrides.now ?? Date.now;
  const log = overrides.log ?? createLog(config.region, config.log_level);
  const started = new Date(now()).toISOString();

  const neighbours = new Neighbours(await pinnedNeighbours(config.neighbours, now()));
  const signer = await importSigner(secrets.messageKey);
  const statement = await ownStatement(config, signer.kid, now());
  const { sequence } = statement.metadata.wayleave_broker;
  const server: TlsIdentity = { certificate: config.serverCertificate, key: secrets.tlsServerKey };
  const client: TlsIdentity = { certificate: config.clientCertificate, key: secrets.tlsClientKey };
  const store = overrides.store ?? (await openStore(config, now));
  const audit = new AuditTrail(store.audit, now);
  const directory = new Directory(config.directory);
  const patientDigest = patientDigestOf(secrets);
  const sender = (identity: TlsIdentity): Sender => ({
    entity: config.entity,
    signer,
    thumbprint: thumbprintOf(new X509Certificate(identity.certificate)),
    statement: sequence,
  });

  const records = config.records.map((record) => new RecordLink(record, log, now));
  const links = new Map(
    config.neighbours.map((neighbour) => [neighbour.region, linkTo(neighbour.region)] as const),
  );
  const demographics = new Demographics(config.demographics, log, now);
  const viewers = new Viewers(config.viewers);
  const agreementWith = (region: string): Agreement | undefined =>
    neighbours.inForce(region, now()) === undefined ? undefined : agreementOf(config, region, now());

  let publicBase = config.public_base ?? '';
  const requesting: Requesting = {
    region: config.region,
    ownRecords: config.records.map((record) => record.id),
    publicBase: () => publicBase,
    door: { viewers, replay: store.replay, self: config.entity },
    directory,
    registrations: demographics,
    careLocations: store.careLocations,
    withoutRegistration: config.routing.without_registration,
    neighbours,
    links,
    agreementWith,
    sender: sender(client),
    audit,
    patientDigest,
    pages: new Sealer(secrets.pagingKey),
    budgets: config.budgets,
    now,
    log,
  };
  const responding: Responding = {
    admission: { self: config.entity, neighbours, replay: store.replay },
    agreementWith,
    directory,
    objections: store.objections,
    patientDigest,
    reading: {
      links: records,
      cursors: new Sealer(secrets.cursorKey),
      entity: config.entity,
      region: config.region,
      now,
      log,
    },
    sender: sender(server),
    audit,
    now,
  };

  const status = async (): Promise<BrokerStatus> => {
    const healthy = await store.healthy();
    const destinations = [demographics, ...records, ...links.values()].map(({ destination }) =>
      destination.status(),
    );
    const certificates = [
      certificateLife('own server', server.certificate, now()),
      certificateLife('own client', client.certificate, now()),
      ...neighbours
        .all()
        .flatMap(({ region, anchors }) =>
          anchors.map((pem) => certificateLife(`${region} anchor`, pem, now())),
        ),
    ];
    const { region, entity } = config;
    return {
      region,
      entity,
      started,
      ready: healthy,
      store: healthy ? 'ok' : 'failing',
      destinations,
      certificates,
    };
  };

  const closeAll = async (listeners: readonly Listener[]): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close(STOP_GRACE_MS)));
    for (const closing of [demographics, ...records, ...links.values()]) closing.close();
    await store.close();
  };

  const open: Listener[] = [];
  try {
    await audit.started(randomUUID(), { region: config.region, statement: sequence });
    const fault = (listener: string) => (code: string) => {
      log.warn({ listener, code }, 'connection refused');
      audit.countRefusal(`${listener}-${code}`).catch(() => log.error({ listener }, 'refusal not counted'));
    };
    const federation = await listen({
      name: 'federation',
      ...config.listeners.federation,
      tls: federationServerTls(
        server,
        neighbours.all().flatMap((neighbour) => neighbour.anchors),
      ),
      handler: neighbourApi(responding, rateOf, log),
      onFault: fault('federation'),
    });
    open.push(federation);
    const viewer = await listen({
      name: 'viewer',
      ...config.listeners.viewer,
      tls: viewerServerTls(server, viewers.anchors()),
      handler: viewerApi(requesting, 'certificate'),
      onFault: fault('viewer'),
    });
    open.push(viewer);
    publicBase = config.public_base ?? `https://${config.listeners.viewer.host}:${viewer.port}`;
    if (config.listeners.viewer_tokens !== undefined) {
      open.push(
        await listen({
          name: 'viewer_tokens',
          ...config.listeners.viewer_tokens,
          tls: viewerServerTls(server, undefined),
          handler: viewerApi(requesting, 'single-use'),
          onFault: fault('viewer_tokens'),
        }),
      );
    }
    const admin = await listen({
      name: 'admin',
      ...config.listeners.admin,
      handler: adminApi({ status }, log),
    });
    open.push(admin);
    const statementListener = await listen({
      name: 'statement',
      ...config.listeners.statement,
      tls: viewerServerTls(server, undefined),
      handler: statementApi(config.statementToken.trim(), log),
    });
    open.push(statementListener);
    log.info({ viewer: viewer.port, federation: federation.port }, 'broker started');
    return {
      ports: {
        viewer: viewer.port,
        federation: federation.port,
        admin: admin.port,
        statement: statementListener.port,
      },
      status,
      stop: () => closeAll(open),
    };
  } catch (error) {
    await closeAll(open);
    throw error;
  }

  function linkTo(region: string): NeighbourLink {
    const neighbour = neighbours.inForce(region, now());
    const settings = config.neighbours.find((entry) => entry.region === region);
    if (neighbour === undefined || settings === undefined)
      throw new StartError(`neighbours: ${region} is not known.`);
    const { breaker, timeout_ms } = settings;
    const link = { own: client, breaker, timeoutMs: timeout_ms, marginMs: config.budgets.margin_ms };
    return new NeighbourLink(neighbour, neighbours, link, log, now);
  }

  function rateOf(region: string): number {
    return config.neighbours.find((neighbour) => neighbour.region === region)?.rate_per_second ?? 1;
  }
}
