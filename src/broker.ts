import type { TLSSocket } from 'node:tls';

import { adminDoor } from './admin/admin-door.ts';
import { brokerRoutes } from './admin/broker-routes.ts';
import { currentOf } from './audit/succession/chain.ts';
import { AdminsFile } from './broker/admins-file.ts';
import { Crls } from './broker/crls.ts';
import { DirectorySource, odsChangesOf } from './broker/directory-source.ts';
import { Door } from './broker/door.ts';
import { ExpiryWatch, outboxesFor } from './broker/expiry-watch.ts';
import { behind } from './recovery/behind.ts';
import type { Deciding } from './broker/decide.ts';
import { renewLinks } from './broker/links.ts';
import { Intake } from './broker/intake.ts';
import { Listeners } from './broker/listeners.ts';
import { DirectoryWatch, directoryWith, importedIn } from './broker/live-directory.ts';
import { keepWhole, standIns } from './broker/last-whole.ts';
import { openDemographics } from './broker/open-demographics.ts';
import { openDoors, type Ports } from './broker/open-doors.ts';
import { Ourselves } from './broker/ourselves.ts';
import { startService, type Parts } from './broker/service.ts';
import { endingsOf, statusOf } from './broker/status.ts';
import { openStore } from './broker/stores.ts';
import { StatementRefresh } from './broker/statement-refresh.ts';
import { tellAdminRefusals } from './broker/tell-admin-refusals.ts';
import { TrustDesk } from './broker/trust-desk.ts';
import { TrustKeeper } from './broker/trust-keeper.ts';
import { trustRoutes } from './broker/trust-routes.ts';
import type { TrustedNeighbour } from './broker/trusted-neighbours.ts';
import { startWatching } from './broker/watching.ts';
import type { Config } from './config/load.ts';
import type { Secrets } from './config/secrets.ts';
import { adminApi, statementApi } from './http/admin-api.ts';
import type { BrokerStatus } from './http/broker-status.ts';
import { createLog, type Log } from './log.ts';
import { Directory } from './routing/directory.ts';
import type { Store } from './store/contracts.ts';
import { Admins } from './trust/admins.ts';
import type { Neighbours } from './trust/neighbours.ts';
import { peerCertificateOf } from './trust/peer-certificate.ts';
import type { RevocationLists } from './trust/revocation.ts';
import { Platforms } from './trust/platforms.ts';
import { Viewers } from './trust/viewers.ts';
import type { NeighbourLink } from './upstream/neighbour-link.ts';
import { RecordLink } from './upstream/record-link.ts';
import { fetchStatement } from './upstream/statement-fetch.ts';

export { openLinkChecks, type LinkChecks } from './broker/link-check.ts';
export { openWitnesses } from './broker/witnesses.ts';
export {
  auditLogAt,
  auditLogIn,
  BACKUP_FILES,
  openFilling,
  openSightingStage,
  openSnapshot,
  openStore,
  patientDigestBytesOf,
  patientDigestOf,
} from './broker/stores.ts';

export { loadWithLastWhole } from './broker/last-whole.ts';
export { believedConfig, revocationsOf, trustedConfig } from './broker/trusted-config.ts';
export { importedIn } from './broker/live-directory.ts';
export { openQueueing } from './broker/notices.ts';
export { openDemographics } from './broker/open-demographics.ts';
export { reportAsking } from './broker/report-asking.ts';

/** What a composition may replace: a store, a clock, a log, the way to statements. */
export interface Overrides {
  readonly fetchStatement?: (base: string) => Promise<string>;
  readonly store?: Store;
  readonly now?: () => number;
  readonly log?: Log;
  /** Variables that the configuration names, in the place of the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A region's broker: started once, stopped once. */
export interface Broker {
  readonly ports: Ports;
  /** Where admins decide whom we trust. */
  readonly trust: TrustDesk;
  status(): Promise<BrokerStatus>;
  /** Keeps what nobody handled: by its class and code, in the log and the status. */
  unhandled(error: unknown, what: 'rejection' | 'exception'): void;
  /** Takes no more, lets what is under way end, closes everything. */
  stop(): Promise<void>;
}

/** The listeners that patients' data go through. */
const OF_PATIENTS = ['viewer', 'viewer_tokens', 'federation'];
const STOP_GRACE_MS = 10_000;
const HOUR_MS = 3_600_000;

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
  const viewers = new Viewers(config.viewers);
  const platforms = new Platforms(config.care_locations.platforms);
  const admins = new Admins(config.admins);

  const environment = overrides.environment ?? process.env;
  const outboxes = outboxesFor(config, log, now, environment);
  const odsChanges = odsChangesOf(config, log, environment);

  const store = overrides.store ?? (await openStore(config, now));
  const listsOf = (region: string): RevocationLists | undefined => crls.of(region);
  const { entity, neighbours: files } = config;
  const pinned = { entity, files, store, key: secrets.trustKey, listsOf, log, now };
  const [us, keeper] = await Promise.all([
    Ourselves.open({ config, secrets, store, log, now }),
    TrustKeeper.open(pinned),
  ]).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const { tls, names } = us;
  const { neighbours } = keeper;
  const cut = standIns(config);
  const anchorsOf = (region: string): readonly string[] => neighbours.byRegion(region)?.anchors ?? [];
  const crls: Crls = new Crls(config.neighbours, anchorsOf, log, now);
  const directory = new Directory(
    directoryWith(config.directory, neighbours.all()),
    await importedIn(store).catch(async (error: unknown) => {
      await store.close();
      throw error;
    }),
  );
  const directoryWatch = new DirectoryWatch(store, directory, log);
  const demographics = openDemographics(config, secrets, store, log, now);
  const records = config.records.map((record) => new RecordLink(record, log, now));
  const trusted = (): readonly TrustedNeighbour[] => keeper.trusted;
  const linkParts = {
    neighbours,
    own: () => tls.client.current,
    marginMs: config.budgets.margin_ms,
    log,
    now,
  };
  const links = new Map<string, NeighbourLink>();
  renewLinks(links, trusted(), linkParts);

  const watching = startWatching(config, log);
  const base = { viewer: config.public_base ?? '', viewer_tokens: config.viewer_tokens_base ?? '' };
  const parts: Parts = {
    ...{
      config,
      secrets,
      store,
      now,
      log,
      neighbours,
      crls,
      viewers,
      platforms,
      demographics,
      odsChanges,
      records,
      links,
    },
    ...{ trusted, directory, watch: watching },
    ...{ tls, own: () => us.now },
    ...{ logKey: names.logKey, witnessKey: names.witnessKey },
    bases: { viewer: () => base.viewer, viewer_tokens: () => base.viewer_tokens },
  };
  const door = new Door({
    ...{ state: () => store.state.read(), log },
    start: (openedAt, onBehind) => startService(parts, openedAt, onBehind),
    close: (held) => store.state.close(behind(held, now())),
    origin: async () => currentOf(await store.log.logs(), names.logOrigin),
  });

  const intake = new Intake({ config, neighbours, viewers, platforms, door, now, log });

  const fetch = overrides.fetchStatement ?? fetchStatement;
  const deciding: Deciding = {
    ...{ register: keeper.register, key: secrets.trustKey, now },
    trail: () => door.service?.trail,
  };
  const everyMs = (config.directory_source?.interval_hours ?? 0) * HOUR_MS;
  const source =
    odsChanges &&
    new DirectorySource({ store, changes: odsChanges, trail: deciding.trail, everyMs, log, now });
  const adminsFile = new AdminsFile({
    ...{ source: config.source, admins, trail: deciding.trail, log },
    keep: (whole) => keepWhole(whole, config, secrets, store, now()),
  });
  const refresh = new StatementRefresh({ ...deciding, fetch, changed: () => keeper.changed(), log });
  const trust = new TrustDesk({ ...deciding, config, admins, keeper, refresh, fetch });

  const started = new Date(now()).toISOString();
  const { region } = config;
  const watch = new ExpiryWatch({ region, look: () => endingsOf(parts), outboxes, log, now });
  const status = (): Promise<BrokerStatus> =>
    statusOf(
      parts,
      door,
      { trust, intake, adminsFault: adminsFile.fault, ownFaults: [...cut, ...us.faults] },
      started,
      watch.status(),
    );

  const count = (listener: string, code: string): void =>
    void door.service
      ?.countFault(`${listener}-${code}`)
      .catch(() => log.error({ listener }, 'refusal not counted'));
  const open = new Listeners(log, count, (served) => watching.metrics.served(served));
  const stop = async (): Promise<void> => {
    watch.stop();
    // First nobody is let in; then what is under way ends, on all that it stands on.
    intake.close();
    await open.close(STOP_GRACE_MS, OF_PATIENTS);
    await intake.stop();
    await Promise.all([us.stop(), adminsFile.stop(), directoryWatch.stop(), source?.stop()]);
    await refresh.stop();
    await keeper.stop();
    await door.stop();
    crls.stop();
    await open.close(STOP_GRACE_MS);
    for (const closing of [demographics, ...records, ...links.values()]) closing.close();
    odsChanges?.close();
    await watching.stop();
    await store.close();
  };
  const handlers = {
    admin: adminApi({ status, registries: watching.registries }, log),
    admin_api: adminDoor(
      {
        ...{ admins, now, log, onRefusal: (code: string) => count('admin_api', code) },
        onAdminRefused: tellAdminRefusals(deciding.trail, log, now),
      },
      [...brokerRoutes(config.region, status), ...trustRoutes(trust)],
    ),
    statement: statementApi(() => us.now.token, log),
  };

  try {
    await keepWhole(config.whole, config, secrets, store, now());
    for (const what of cut) log.error({ what }, 'a file is not whole');
    await crls.start();
    await door.open();
    const { ports, federation } = await openDoors(open, {
      ...{
        config,
        own: () => tls.server.current,
        neighbours,
        viewers,
        platforms,
        admins,
        answers: (name) => intake.answers(name),
        handlers,
        base,
      },
    });
    const changed = (): void => {
      // First what must not go on.
      federation.closeUnless((socket) => isIdentified(socket, neighbours, now()));
      directory.replace(directoryWith(config.directory, neighbours.all()));
      renewLinks(links, trusted(), linkParts);
      for (const region of links.keys()) watching.metrics.mayBeAsked(region);
      open.renewTls();
    };
    keeper.start(changed);
    // An admin may have decided while the doors were opened.
    changed();
    neighbours.onOutdated = (region) => refresh.wake(region);
    refresh.start();
    directoryWatch.start();
    source?.start();
    us.start(deciding.trail, {
      server: () => open.renewTls(),
      client: () => renewLinks(links, trusted(), linkParts),
    });
    if (ports.admin_api !== undefined) adminsFile.start(() => open.renewTls());
    watch.start();
    intake.start();
    log.info({ viewer: ports.viewer, federation: ports.federation }, 'broker started');
    return { ports, trust, status, unhandled: (error, what) => intake.unhandled(error, what), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Whether the other end of a connection is still who may be there. */
function isIdentified(socket: TLSSocket, neighbours: Neighbours, at: number): boolean {
  try {
    neighbours.identify(peerCertificateOf(socket), 'client', at);
    return true;
  } catch {
    return false;
  }
}
