import { currentOf } from './audit/succession/chain.ts';
import { neighboursWithCrls } from './broker/crls.ts';
import { HANDSHAKES } from './broker/handshakes.ts';
import { Door } from './broker/door.ts';
import { behind } from './recovery/behind.ts';
import { linksTo } from './broker/links.ts';
import { ownNames } from './broker/own-names.ts';
import { startService, type Parts } from './broker/service.ts';
import { statusOf } from './broker/status.ts';
import { openStore } from './broker/stores.ts';
import type { Config } from './config/load.ts';
import type { Secrets } from './config/secrets.ts';
import { ownStatement } from './evidence/pinned-neighbours.ts';
import type { Sender } from './evidence/query.ts';
import { senderAs } from './evidence/sender.ts';
import { adminApi, statementApi, type BrokerStatus } from './http/admin-api.ts';
import { listen, type Listener, type ListenOptions } from './http/listen.ts';
import { createLog, type Log } from './log.ts';
import type { Store } from './store/contracts.ts';
import { federationServerTls, viewerServerTls, type TlsIdentity } from './trust/tls.ts';
import { Viewers } from './trust/viewers.ts';
import { Demographics } from './upstream/demographics.ts';
import { RecordLink } from './upstream/record-link.ts';

export { openWitnesses } from './broker/witnesses.ts';
export {
  auditLogAt,
  auditLogIn,
  BACKUP_FILES,
  openFilling,
  openSnapshot,
  openStore,
  patientDigestOf,
} from './broker/stores.ts';

export { reportAsking } from './broker/report-asking.ts';

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

  const { neighbours, crls } = await neighboursWithCrls(config, log, now);
  const viewers = new Viewers(config.viewers);
  const names = await ownNames(config, secrets);
  const { messageKey: signer, logKey, witnessKey } = names;
  const statement = await ownStatement(config, names, now());
  const own = statement.metadata.wayleave_broker;
  const sender = (identity: TlsIdentity): Sender => senderAs(identity, config.entity, signer, own.sequence);

  const store = overrides.store ?? (await openStore(config, now));
  const demographics = new Demographics(config.demographics, log, now);
  const records = config.records.map((record) => new RecordLink(record, log, now));
  const links = linksTo(config, neighbours, client, log, now);

  const base = { viewer: config.public_base ?? '', viewer_tokens: config.viewer_tokens_base ?? '' };
  const parts: Parts = {
    ...{ config, secrets, store, now, log, neighbours, crls, viewers, demographics, records, links },
    ...{ senders: { client: sender(client), server: sender(server) }, logKey, witnessKey, own },
    bases: { viewer: () => base.viewer, viewer_tokens: () => base.viewer_tokens },
  };
  const door = new Door({
    ...{ state: () => store.state.read(), log },
    start: (openedAt, onBehind) => startService(parts, openedAt, onBehind),
    close: (held) => store.state.close(behind(held, now())),
    origin: async () => currentOf(await store.log.logs(), names.logOrigin),
  });

  const started = new Date(now()).toISOString();
  const status = (): Promise<BrokerStatus> => statusOf(parts, door, started);

  const open: Listener[] = [];
  const stop = async (): Promise<void> => {
    await door.stop();
    crls.stop();
    await Promise.all(open.map((listener) => listener.close(STOP_GRACE_MS)));
    for (const closing of [demographics, ...records, ...links.values()]) closing.close();
    await store.close();
  };
  const start = async (options: Omit<ListenOptions, 'onFault'>): Promise<number> => {
    const onFault = (code: string): void => {
      log.warn({ listener: options.name, code }, 'connection refused');
      door.service
        ?.countFault(`${options.name}-${code}`)
        .catch(() => log.error({ listener: options.name }, 'refusal not counted'));
    };
    const listener = await listen({ ...options, ...HANDSHAKES, onFault });
    open.push(listener);
    return listener.port;
  };

  try {
    await crls.start();
    await door.open();
    const { listeners } = config;
    const federation = await start({
      name: 'federation',
      ...listeners.federation,
      tls: federationServerTls(
        server,
        neighbours.all().flatMap((neighbour) => neighbour.anchors),
      ),
      handler: door.handler('federation'),
    });
    const viewer = await start({
      name: 'viewer',
      ...listeners.viewer,
      tls: viewerServerTls(server, viewers.anchors()),
      handler: door.handler('viewer'),
      headerBytes: VIEWER_HEADER_BYTES,
    });
    base.viewer = config.public_base ?? `https://${listeners.viewer.host}:${viewer}`;
    const withoutCertificate = viewerServerTls(server, undefined);
    if (listeners.viewer_tokens !== undefined) {
      const { host } = listeners.viewer_tokens;
      const port = await start({
        name: 'viewer_tokens',
        ...listeners.viewer_tokens,
        tls: withoutCertificate,
        handler: door.handler('viewer_tokens'),
        headerBytes: VIEWER_HEADER_BYTES,
      });
      base.viewer_tokens = config.viewer_tokens_base ?? `https://${host}:${port}`;
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
}
