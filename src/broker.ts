import { createSecretKey, randomUUID, X509Certificate } from 'node:crypto';

import { AuditRoom } from './audit/audit-room.ts';
import { AuditLog } from './audit/log.ts';
import { keepStatements } from './audit/proof/statement-history.ts';
import { Keyring } from './audit/sealing.ts';
import { currentOf } from './audit/succession/chain.ts';
import { agreementInForce } from './config/agreements.ts';
import { configurationDigest } from './config/digest.ts';
import type { Config } from './config/load.ts';
import type { Agreement } from './config/schema.ts';
import type { Secrets } from './config/secrets.ts';
import { importSigner } from './evidence/keys.ts';
import { ownStatement, pinnedNeighbours } from './evidence/pinned-neighbours.ts';
import type { Sender } from './evidence/query.ts';
import { keyedDigest, Sealer } from './evidence/seal.ts';
import { adminApi, statementApi, type BrokerStatus } from './http/admin-api.ts';
import { listen, type Listener, type ListenOptions } from './http/listen.ts';
import { createLog, errorFields, type Log } from './log.ts';
import type { Requesting } from './requesting/requesting.ts';
import { viewerApi } from './requesting/viewer-api.ts';
import { neighbourApi } from './responding/neighbour-api.ts';
import type { Responding } from './responding/respond.ts';
import { Directory } from './routing/directory.ts';
import type { Store } from './store/contracts.ts';
import { openPostgresStore } from './store/postgres/store.ts';
import { openSqliteStore } from './store/sqlite/store.ts';
import { logOrigin } from './tlog/origin.ts';
import { certificateLife } from './trust/certificate-life.ts';
import { Neighbours, type Neighbour } from './trust/neighbours.ts';
import { thumbprintOf } from './trust/peer-certificate.ts';
import { federationServerTls, viewerServerTls, type TlsIdentity } from './trust/tls.ts';
import { Viewers } from './trust/viewers.ts';
import { Demographics } from './upstream/demographics.ts';
import { NeighbourLink } from './upstream/neighbour-link.ts';
import { RecordLink } from './upstream/record-link.ts';
import { SyslogLink } from './upstream/syslog-link.ts';
import { WitnessLink } from './upstream/witness-link.ts';

/** What a composition may replace: a store, a clock, a log. */
export interface Overrides {
  readonly store?: Store;
  readonly now?: () => number;
  readonly log?: Log;
}

/** A region's broker: started once, stopped once. */
export interface Broker {
  /** The ports that were taken: useful where the configuration says 0. */
  readonly ports: Readonly<Record<'viewer' | 'federation' | 'admin' | 'statement', number>>;
  status(): Promise<BrokerStatus>;
  /** Takes no more, lets what is under way end, closes everything. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 10_000;
/** A page link carries the place of every source that has more: dozens, for a whole record of several regions. */
const VIEWER_HEADER_BYTES = 128 * 1024;

/** Opens the store that a configuration names, for the broker and for the commands that work on it. */
export function openStore(config: Config, now: () => number = Date.now): Promise<Store> {
  const { store } = config;
  return store.startsWith('sqlite:')
    ? openSqliteStore(store.slice('sqlite:'.length), now, config.store_reserve_mb * 2 ** 20)
    : openPostgresStore(store, now);
}

/** The keyed digest under which this region's store knows a patient. */
export function patientDigestOf(secrets: Secrets): (nhsNumber: string) => string {
  const key = createSecretKey(secrets.patientDigestKey);
  return (nhsNumber) => keyedDigest(key, nhsNumber);
}

/** This replica's log in a store, for the broker and for the commands that work on it: the one that is written now. */
export async function auditLogIn(
  store: Store,
  config: Config,
  secrets: Secrets,
  now = Date.now,
): Promise<AuditLog> {
  return new AuditLog({
    ...{ store: store.log, hasRoom: () => store.hasRoom() },
    origin: currentOf(await store.log.logs(), logOrigin(config.entity, config.replica)),
    keyring: new Keyring(secrets.auditKeys),
    digest: patientDigestOf(secrets),
    now,
  });
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
  const server: TlsIdentity = { certificate: config.serverCertificate, key: secrets.tlsServerKey };
  const client: TlsIdentity = { certificate: config.clientCertificate, key: secrets.tlsClientKey };

  const neighbours = new Neighbours(await pinnedNeighbours(config.neighbours, now()));
  const viewers = new Viewers(config.viewers);
  const signer = await importSigner(secrets.messageKey);
  const [logKey, witnessKey] = [await importSigner(secrets.logKey), await importSigner(secrets.witnessKey)];
  const names = {
    messageKey: signer,
    logKey,
    witnessKey,
    logOrigin: logOrigin(config.entity, config.replica),
  };
  const statement = await ownStatement(config, names, now());
  const { sequence, log_keys: logKeys } = statement.metadata.wayleave_broker;
  const sender = (identity: TlsIdentity): Sender => ({
    entity: config.entity,
    signer,
    thumbprint: thumbprintOf(new X509Certificate(identity.certificate)),
    statement: sequence,
  });

  const store = overrides.store ?? (await openStore(config, now));
  const statements = [
    config.statementToken,
    ...config.neighbours.map(({ statementToken }) => statementToken),
  ];
  const demographics = new Demographics(config.demographics, log, now);
  const records = config.records.map((record) => new RecordLink(record, log, now));
  const links = new Map(neighbours.all().map((neighbour) => [neighbour.region, linkTo(neighbour)] as const));

  const auditLog = await auditLogIn(store, config, secrets, now);
  const auditRoom = new AuditRoom({
    ...{ log: auditLog, store, entity: config.entity, neighbours, report: log, now },
    ...{ logKey: logKey.key, witnessKey: witnessKey.key, logKeys },
    // We are our own neighbour for our other records, and no witness of ourselves.
    witnesses: [...links.values()]
      .filter(({ neighbour }) => neighbour.region !== config.region)
      .map((link) => new WitnessLink(link)),
    checkpoints: { everyMs: config.checkpoint_ms, everyEntries: config.checkpoint_entries },
    streams: config.audit_streams.map((one) =>
      one.kind === 'syslog' ? { ...one, sink: new SyslogLink(one) } : one,
    ),
  });
  const audit = auditRoom.trail;

  const shared = {
    region: config.region,
    directory: new Directory(config.directory),
    agreementWith: (region: string): Agreement | undefined =>
      agreementInForce(config.neighbours, region, now()),
    patientDigest: patientDigestOf(secrets),
    audit,
    now,
    log,
  };
  let publicBase = config.public_base ?? '';
  const requesting: Requesting = {
    ...shared,
    ownRecords: config.records.map((record) => record.id),
    publicBase: () => publicBase,
    door: { viewers, replay: store.replay, self: config.entity },
    registrations: demographics,
    careLocations: store.careLocations,
    withoutRegistration: config.routing.without_registration,
    neighbours,
    links,
    sender: sender(client),
    auditReading: {
      ...{ store: store.log, archive: store.archive, log: auditLog },
      parties: {
        ...{ region: config.region, entity: config.entity },
        entityOf: (region) => config.neighbours.find((one) => one.region === region)?.entity,
        issuerOf: (viewer) => config.viewers.find(({ id }) => id === viewer)?.issuer,
      },
    },
    checkpoints: auditRoom.watch,
    proofs: auditRoom.proofs,
    pages: new Sealer(secrets.pagingKey),
    budgets: config.budgets,
  };
  const responding: Responding = {
    ...shared,
    admission: { self: config.entity, neighbours },
    objections: store.objections,
    reading: {
      links: records,
      cursors: new Sealer(secrets.cursorKey),
      entity: config.entity,
      region: config.region,
      now,
      log,
    },
    sender: { ...sender(server), checkpoint: () => auditRoom.latestNote() },
  };

  const started = new Date(now()).toISOString();
  const status = async (): Promise<BrokerStatus> => {
    const healthy = await store.healthy();
    const statements = neighbours.all().map(({ region, validUntil }) => ({
      name: `${region} statement`,
      validUntil: new Date(validUntil).toISOString(),
      daysLeft: Math.floor((validUntil - now()) / 86_400_000),
    }));
    const anchors = neighbours
      .all()
      .flatMap((neighbour) => neighbour.anchors.map((pem) => ({ name: `${neighbour.region} anchor`, pem })));
    const own = [
      { name: 'own server', pem: server.certificate },
      { name: 'own client', pem: client.certificate },
    ];
    return {
      region: config.region,
      entity: config.entity,
      started,
      ready: healthy && store.hasRoom(),
      store: !healthy ? 'failing' : store.hasRoom() ? 'ok' : 'low',
      log: await auditRoom.status(),
      destinations: [demographics, ...records, ...links.values()].map(({ destination }) =>
        destination.status(),
      ),
      certificates: [
        ...[...own, ...anchors].map(({ name, pem }) => certificateLife(name, pem, now())),
        ...statements,
      ],
    };
  };

  const open: Listener[] = [];
  const stop = async (): Promise<void> => {
    await auditRoom.stop();
    await Promise.all(open.map((listener) => listener.close(STOP_GRACE_MS)));
    for (const closing of [demographics, ...records, ...links.values()]) closing.close();
    await store.close();
  };
  const start = async (options: Omit<ListenOptions, 'onFault'>): Promise<number> => {
    const onFault = (code: string): void => {
      log.warn({ listener: options.name, code }, 'connection refused');
      audit
        .countRefusal(`${options.name}-${code}`)
        .catch(() => log.error({ listener: options.name }, 'refusal not counted'));
    };
    const listener = await listen({ ...options, onFault });
    open.push(listener);
    return listener.port;
  };

  try {
    const told = { region: config.region, statement: sequence, configuration: configurationDigest(config) };
    await keepStatements(store.statements, statements, now());
    await auditRoom.start(randomUUID(), told, (error) => log.error(errorFields(error), 'log'));
    const { listeners } = config;
    const witness = {
      desk: auditRoom.desk,
      inclusions: auditRoom.inclusions,
      neighbours,
      log: store.log,
      origin: auditLog.origin,
      now,
    };
    const federation = await start({
      name: 'federation',
      ...listeners.federation,
      tls: federationServerTls(
        server,
        neighbours.all().flatMap((neighbour) => neighbour.anchors),
      ),
      handler: neighbourApi(responding, witness, (region) => settingsOf(region).rate_per_second, log),
    });
    const viewer = await start({
      name: 'viewer',
      ...listeners.viewer,
      tls: viewerServerTls(server, viewers.anchors()),
      handler: viewerApi(requesting, 'certificate'),
      headerBytes: VIEWER_HEADER_BYTES,
    });
    publicBase = config.public_base ?? `https://${listeners.viewer.host}:${viewer}`;
    const withoutCertificate = viewerServerTls(server, undefined);
    if (listeners.viewer_tokens !== undefined) {
      const { host } = listeners.viewer_tokens;
      let tokensBase = config.viewer_tokens_base ?? '';
      const port = await start({
        name: 'viewer_tokens',
        ...listeners.viewer_tokens,
        tls: withoutCertificate,
        // Links lead back to the listener that was asked: the other one is closed to who has no certificate.
        handler: viewerApi({ ...requesting, publicBase: () => tokensBase }, 'single-use'),
        headerBytes: VIEWER_HEADER_BYTES,
      });
      tokensBase = config.viewer_tokens_base ?? `https://${host}:${port}`;
    }
    const admin = await start({ name: 'admin', ...listeners.admin, handler: adminApi({ status }, log) });
    const statementPort = await start({
      name: 'statement',
      ...listeners.statement,
      tls: withoutCertificate,
      handler: statementApi(config.statementToken.trim(), log),
    });
    log.info({ viewer, federation }, 'broker started');
    return { ports: { viewer, federation, admin, statement: statementPort }, status, stop };
  } catch (error) {
    await stop();
    throw error;
  }

  function settingsOf(region: string): Config['neighbours'][number] {
    const settings = config.neighbours.find((neighbour) => neighbour.region === region);
    if (settings === undefined) throw new TypeError(`${region} is no neighbour`);
    return settings;
  }

  function linkTo(neighbour: Neighbour): NeighbourLink {
    const { breaker, timeout_ms } = settingsOf(neighbour.region);
    const link = { own: client, breaker, timeoutMs: timeout_ms, marginMs: config.budgets.margin_ms };
    return new NeighbourLink(neighbour, neighbours, link, log, now);
  }
}
