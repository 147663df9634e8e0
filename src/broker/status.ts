import type { LogStatus } from '../audit/audit-room.ts';
import type { BrokerStatus } from '../http/broker-status.ts';
import type { Directory } from '../routing/directory.ts';
import type { Closed } from '../store/contracts.ts';
import { endings, type Ending } from '../trust/expiry.ts';
import type { ChannelStatus } from '../upstream/notices/notice.ts';
import type { Door } from './door.ts';
import type { Intake } from './intake.ts';
import type { Parts } from './service.ts';
import type { TrustDesk } from './trust-desk.ts';

interface Beside {
  readonly trust: TrustDesk;
  /** Why files, as they are now, are not taken: of our own identity, and of the admins. */
  readonly ownFaults: readonly string[];
  readonly adminsFault: string | undefined;
  readonly intake: Intake;
}

/** Everything that `wayleave status` shows. @param started ISO instant */
export async function statusOf(
  parts: Parts,
  door: Door,
  { trust, ownFaults, adminsFault, intake }: Beside,
  started: string,
  notices: readonly ChannelStatus[],
): Promise<BrokerStatus> {
  const { config, store, demographics, odsChanges, records, links, directory } = parts;
  const called = [demographics, ...(odsChanges === undefined ? [] : [odsChanges]), ...records];
  const healthy = await store.healthy();
  const hasRoom = store.hasRoom();
  const { service, closed } = door;
  return {
    region: config.region,
    entity: config.entity,
    started,
    // Overloaded is ready all the same: taken out, its load would go to the other replicas.
    ready: healthy && hasRoom && service !== undefined && !intake.closed,
    store: !healthy ? 'failing' : hasRoom ? 'ok' : 'low',
    closed: closed === undefined ? undefined : closedStatus(closed),
    load: intake.status(),
    log: service === undefined ? unwritten(door.origin) : await service.status(),
    destinations: [
      ...called.map(({ destination }) => destination.status()),
      ...[...links.values()].map((link) => link.status()),
    ],
    directory: newestFiles(directory),
    own: {
      statement: parts.own().broker.sequence,
      ...(ownFaults.length === 0 ? {} : { fault: ownFaults.join(' ') }),
    },
    admins: adminsFault === undefined ? {} : { fault: adminsFault },
    trust: trust.brief(),
    pings: service?.pings() ?? [],
    feeds: service?.feeds() ?? { platforms: [], polling: [] },
    certificates: endingsOf(parts),
    crls: parts.crls.status(),
    notices,
    patientNotices: await service?.notices().catch(() => undefined),
  };
}

/** Everything that ends, ours and theirs, by the broker's own clock. */
export function endingsOf({ config, own, tls, neighbours, trusted, crls, now }: Parts): Ending[] {
  const { region } = config;
  const { broker, until } = own();
  return endings(
    {
      own: {
        ...{ region, server: tls.server.current.certificate, client: tls.client.current.certificate },
        anchors: broker.tls.anchors,
        ...{ statementUntil: until, messageKeys: broker.message_keys },
      },
      neighbours: neighbours.all(),
      lists: crls.status().flatMap(({ region, place, thisUpdate, nextUpdate }) =>
        thisUpdate === undefined || nextUpdate === undefined
          ? []
          : [
              {
                ...{ region, place: withoutQuery(place) },
                ...{ thisUpdate: Date.parse(thisUpdate), nextUpdate: Date.parse(nextUpdate) },
              },
            ],
      ),
      agreements: trusted(),
    },
    now(),
  );
}

function newestFiles({ imported }: Pick<Directory, 'imported'>): BrokerStatus['directory'] {
  return [...Map.groupBy(imported.imports, ({ kind }) => kind)].map(([kind, of]) => {
    const [date = ''] = of
      .map((one) => one.date)
      .sort()
      .reverse();
    return { kind, date };
  });
}

/** What ends is told in letters and metrics: nothing of an address that may let somebody in. */
function withoutQuery(place: string): string {
  return place.replace(/^(https?:[^?#]*).*$/s, '$1');
}

/** Without who decided it, which is sealed and of no use here. */
function closedStatus({ since, why, detail }: Closed): BrokerStatus['closed'] {
  const { decided: _, ...known } = JSON.parse(detail) as Record<string, unknown>;
  return { since: new Date(since).toISOString(), why, detail: known };
}

function unwritten(origin: string): LogStatus {
  return { origin, witnesses: [], forks: [], succeeded: [], unproved: [], awaitingProof: [], streams: [] };
}
