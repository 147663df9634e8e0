import type { LogStatus } from '../audit/audit-room.ts';
import type { BrokerStatus } from '../http/admin-api.ts';
import type { Closed } from '../store/contracts.ts';
import { certificateLife } from '../trust/certificate-life.ts';
import type { Door } from './door.ts';
import type { Parts } from './service.ts';

const DAY_MS = 86_400_000;

/** Everything that `wayleave status` shows. @param started ISO instant */
export async function statusOf(parts: Parts, door: Door, started: string): Promise<BrokerStatus> {
  const { config, store, now, neighbours, demographics, records, links } = parts;
  const healthy = await store.healthy();
  const hasRoom = store.hasRoom();
  const { service, closed } = door;
  return {
    region: config.region,
    entity: config.entity,
    started,
    ready: healthy && hasRoom && service !== undefined,
    store: !healthy ? 'failing' : hasRoom ? 'ok' : 'low',
    closed: closed === undefined ? undefined : closedStatus(closed),
    log: service === undefined ? unwritten(door.origin) : await service.status(),
    destinations: [demographics, ...records, ...links.values()].map(({ destination }) =>
      destination.status(),
    ),
    certificates: [
      certificateLife('own server', config.serverCertificate, now()),
      certificateLife('own client', config.clientCertificate, now()),
      ...neighbours
        .all()
        .flatMap(({ region, anchors }) =>
          anchors.map((pem) => certificateLife(`${region} anchor`, pem, now())),
        ),
      ...neighbours.all().map(({ region, validUntil }) => ({
        name: `${region} statement`,
        validUntil: new Date(validUntil).toISOString(),
        daysLeft: Math.floor((validUntil - now()) / DAY_MS),
      })),
    ],
    crls: parts.crls.status(),
  };
}

/** Without who decided it, which is sealed and of no use here. */
function closedStatus({ since, why, detail }: Closed): BrokerStatus['closed'] {
  const { decided: _, ...known } = JSON.parse(detail) as Record<string, unknown>;
  return { since: new Date(since).toISOString(), why, detail: known };
}

function unwritten(origin: string): LogStatus {
  return { origin, witnesses: [], forks: [], succeeded: [], unproved: [], awaitingProof: [], streams: [] };
}
