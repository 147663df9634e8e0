import { Command } from 'commander';
import http from 'node:http';

import type { LogStatus } from '../audit/audit-room.ts';
import type { StreamStatus } from '../audit/stream/audit-stream.ts';
import type { CrlStatus } from '../broker/crls.ts';
import type { BrokerStatus } from '../http/broker-status.ts';
import type { DestinationStatus } from '../upstream/destination.ts';
import type { ChannelStatus } from '../upstream/notices/notice.ts';
import { CommandFailed, INCOMPLETE, type Io } from './io.ts';
import { knownRegions, writtenConfig, type RegionOptions } from './region-config.ts';
import { plain } from './subcommand.ts';
import { columns } from './tell.ts';

const WAIT_MS = 3_000;

type Told = { region: string; address: string } & ({ status: BrokerStatus } | { failed: string });

export function statusCommand(io: Io): Command {
  return new Command('status')
    .description(
      'Show whether brokers are ready, the circuit to each destination, who witnesses the log, and its streams.',
    )
    .option('--region <region>', 'one region (default: all that have a file in config)')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 all ready; 1 not done; 2 called wrongly; 3 something is not ready.',
    )
    .action(async (options: RegionOptions & { json?: true }) => {
      const one = options.region !== undefined || options.config !== undefined;
      const asked = one ? [options] : knownRegions().map((region) => ({ region }));
      const told = await Promise.all(asked.map(statusOf));
      if (options.json) io.print(JSON.stringify(told));
      else for (const line of told.flatMap(lines)) io.print(line);
      if (told.every((entry) => 'failed' in entry)) {
        throw new CommandFailed('No broker was reached: start one, for the demo with `npm start`.');
      }
      if (told.some((entry) => 'failed' in entry || !entry.status.ready)) io.fail(INCOMPLETE);
    });
}

/** What the broker of a region says of itself, where it runs. @throws CommandFailed, StartError */
export async function statusOf(options: RegionOptions): Promise<Told> {
  const config = writtenConfig(options);
  const { host, port } = config.listeners.admin;
  const head = { region: config.region, address: `http://${host}:${port}` };
  try {
    return { ...head, status: await get(`${head.address}/status`) };
  } catch (error) {
    return { ...head, failed: (error as NodeJS.ErrnoException).code ?? 'no answer' };
  }
}

function lines(told: Told): string[] {
  if ('failed' in told) return [`${told.region}: not reached at ${told.address} (${told.failed})`, ''];
  const { status } = told;
  const { crls = [] } = status;
  const rows = (status.destinations as DestinationStatus[]).map((one) => [
    `  ${one.kind}`,
    one.name,
    one.circuit,
    `${one.window.calls} calls`,
    `${one.window.failed} failed${one.window.slow ? ` (${one.window.slow} slow)` : ''}`,
    `${one.window.refused} refused`,
    one.since === undefined ? '' : `since ${one.since}`,
    one.leftAloneUntil === undefined ? '' : `LEFT ALONE until ${one.leftAloneUntil}`,
    one.avoided?.length ? `at ${one.endpoint}; NOT CONNECTED: ${one.avoided.join(', ')}` : '',
  ]);
  const ending = status.certificates.filter(({ level }) => level !== 'ok' && level !== '90');
  // Revocation lists have lines of their own, and most live for a day.
  const next = status.certificates.find(({ kind, level }) => level !== 'ended' && kind !== 'revocation-list');
  return [
    `${status.region}: ${status.ready ? 'ready' : 'not ready'}, store ${status.store}, up since ${status.started}`,
    ...closedLines(status),
    ...loadLines(status),
    ...columns(rows).map(plain),
    ...trustLines(status),
    ...logLines(status.log as LogStatus),
    ...ending.map(({ name, whose, level, daysLeft, validUntil }) =>
      level === 'ended'
        ? `  HAS ENDED: ${plain(name)} (${whose}), at ${validUntil}`
        : `  ENDS SOON: ${plain(name)} (${whose}), in ${daysLeft} days`,
    ),
    ...(next === undefined ? [] : [`  next to end: ${plain(next.name)}, in ${next.daysLeft} days`]),
    ...columns((crls as CrlStatus[]).map(crlRow)),
    ...columns((status.notices as ChannelStatus[]).map(noticeRow)),
    ...patientNoticeLines(status),
    ...feedLines(status),
    '',
  ];
}

/** What is otherwise than it should be, or waits for an admin; a line each. */
function trustLines({ region, own, admins, trust }: BrokerStatus): string[] {
  const { fault, neighbours, proposed } = trust;
  return [
    ...(own.fault === undefined
      ? []
      : [`  FILES NOT TAKEN, statement ${own.statement} is in use: ${plain(own.fault)}`]),
    ...(admins.fault === undefined
      ? []
      : [`  ADMINS of the configuration file do not count, or not in the log: ${plain(admins.fault)}`]),
    ...(fault === undefined ? [] : [`  TRUST cannot be read (${fault}): all stays as it was`]),
    ...neighbours.flatMap((one) => [
      ...(STATES[one.state] === undefined
        ? []
        : [`  ${one.region}: ${STATES[one.state]} ${one.pausedUntil ?? ''}`]),
      ...(one.pending === undefined
        ? []
        : [
            `  ${one.region}: a statement waits for approval (changes ${one.pending.join(', ')}): ` +
              `wayleave trust show ${one.region} --region ${region}`,
          ]),
      ...(one.fault === undefined
        ? []
        : [`  ${one.region}: its statement could not be refreshed (${one.fault})`]),
    ]),
    ...proposed.map((one) => `  ${one}: proposed as a neighbour, and waits for another admin`),
  ].map((line) => line.trimEnd());
}

const STATES: Readonly<Record<string, string>> = {
  paused: 'PAUSED until',
  unspoken: 'its statement is NOT IN FORCE: it is neither asked nor answered',
  revoked: 'REVOKED: it is neither asked nor answered',
};

const WHY: Readonly<Record<string, string>> = {
  restored: 'a backup was put back',
  behind: 'a neighbour holds more of our log, or another',
};

function closedLines({ region, closed }: BrokerStatus): string[] {
  if (closed === undefined) return [];
  const { taken_at: taken, told_by: by } = closed.detail;
  const known = [
    ...(typeof taken === 'string' ? [`, as it was at ${taken}`] : []),
    ...(typeof by === 'string' ? [`: ${by}`] : []),
  ];
  return [
    `  CLOSED since ${closed.since}: ${WHY[closed.why] ?? closed.why}${known.join('')}. Nothing is served until`,
    `  wayleave trust confirm --region ${region} --by NAME --reason TEXT --yes`,
  ];
}

/** A broker of the version before tells nothing of it. */
function loadLines({ load }: BrokerStatus): string[] {
  if (load === undefined) return [];
  const { loopDelayMs, underWay, waiting, limit, refused, overloaded, unhandled } = load;
  const { viewers, neighbours } = underWay;
  return [
    `  under way: ${viewers} of viewers, ${neighbours} of neighbours, ${waiting} waiting; at most ${limit}; event loop p99 ${loopDelayMs} ms late`,
    ...(overloaded === undefined
      ? []
      : [`  OVERLOADED since ${overloaded}: ${refused} requests refused since the start`]),
    ...(unhandled === 0 ? [] : [`  ${unhandled} mistakes of ours that no code handled: see the log`]),
  ];
}

function logLines({ origin, witnesses, forks = [], succeeded = [], unproved, streams }: LogStatus): string[] {
  const later = witnesses.filter(({ statement }) => statement !== undefined);
  const rows = witnesses.map(({ region, size, at, fault }) => [
    '  witness',
    region,
    fault ?? 'cosigned',
    `${size} entries`,
    at === undefined ? '' : `at ${at}`,
  ]);
  return [
    `  log ${origin}`,
    ...columns(rows),
    ...columns(streams.map(streamRow)),
    ...later.map(
      ({ region, statement }) =>
        `  OLD CONFIGURATION: ${region} knows our statement of sequence ${statement}, a later one`,
    ),
    ...forks.map((fork) => `  FORK: ${fork.origin} signed two heads that do not fit, seen ${fork.seen}`),
    ...succeeded.map((log) => `  ${log.region} goes on with another log: ${log.origin}, since ${log.seen}`),
    ...unproved.map((log) => `  UNPROVED: ${log.origin} has not joined its heads since ${log.since}`),
  ];
}

function crlRow({
  region,
  place,
  state,
  whenOld,
  nextUpdate,
  revoked,
  ageMinutes,
  fault,
}: CrlStatus): string[] {
  const policy = whenOld === 'warn' ? 'ACCEPTED without it' : 'REFUSED';
  return [
    '  revocation list',
    region,
    state === 'good'
      ? state
      : `${state === 'none' ? 'NONE HELD' : 'TOO OLD'}: its certificates are ${policy}`,
    revoked === undefined ? '' : `${revoked} revoked`,
    ageMinutes === undefined ? '' : `${ageMinutes} min old`,
    nextUpdate === undefined ? '' : `next ${nextUpdate}`,
    fault ?? '',
    place,
  ];
}

function streamRow({ id, kind, behind, sent, fault }: StreamStatus): string[] {
  return [
    `  ${kind} stream`,
    id,
    fault ?? 'in order',
    behind === undefined ? 'not known how far behind' : `${behind} entries behind`,
    sent === undefined ? '' : `sent ${sent}`,
  ];
}

function noticeRow({ channel, waiting, sent, fault }: ChannelStatus): string[] {
  return [
    ...['  notices by', channel, fault ?? 'in order', `${waiting} waiting`],
    sent === undefined ? '' : `sent ${sent}`,
  ];
}

/** What is held up; the rest is with `wayleave notices status`. */
function patientNoticeLines({ patientNotices }: BrokerStatus): string[] {
  const held = patientNotices?.waiting.filter(({ why }) => why !== undefined) ?? [];
  return held.map(
    ({ region, count, why }) =>
      `  home region ${region} is not told of ${count} patients yet: ${plain(why ?? '')}`,
  );
}

/** A broker of the version before tells nothing of feeds. */
function feedLines({ feeds = { platforms: [], polling: [] } }: Partial<BrokerStatus>): string[] {
  return columns([
    ...feeds.platforms.map(({ platform, encounters, last }) => [
      ...['  care locations from', platform, 'in order', `${encounters} Encounters`, `last ${last}`],
    ]),
    ...feeds.polling.map(({ record, encounters, refused, last, until, fault }) => [
      ...['  care locations from', record, fault ?? 'in order'],
      `${encounters} Encounters, ${refused} refused`,
      last === undefined ? 'not asked to the end yet' : `last ${last}, changes up to ${until}`,
    ]),
  ]);
}

function get(url: string): Promise<BrokerStatus> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { timeout: WAIT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as BrokerStatus);
        } catch (error) {
          reject(error instanceof Error ? error : new Error('unreadable'));
        }
      });
    });
    request.on('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
    request.on('error', reject);
  });
}
