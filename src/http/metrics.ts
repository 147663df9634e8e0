import { Gauge, Registry } from '@prometheus-io/client';

import type { BrokerStatus } from './broker-status.ts';

/** One value of a metric. Labels name regions, destinations and what ends: no patient, no secret. */
interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

const NEIGHBOUR_STATES = ['trusted', 'paused', 'unspoken', 'revoked'];
const STORE_STATES = ['ok', 'low', 'failing'];
const CIRCUITS = ['closed', 'half-open', 'open'];

/**
 * The status, and what else was counted, as Prometheus reads it (text format 0.0.4): made anew each time, so that what is
 * gone is gone here too.
 * What is in one of several states has a series for each, 1 for the one that it is in and 0 for the others.
 */
export async function metricsOf(
  status: BrokerStatus,
  counted: readonly Registry[] = [],
): Promise<{ type: string; text: string }> {
  const registry = new Registry();
  const gauge = (name: string, help: string, samples: readonly Sample[]): void => {
    const found = [...new Set(samples.flatMap(({ labels = {} }) => Object.keys(labels)))];
    // One without labels is 0 from the beginning: where nothing is known, nothing is to be told.
    const labelNames = samples.length === 0 ? ['none'] : found;
    const made = new Gauge({ name: `wayleave_${name}`, help, labelNames, registers: [registry] });
    for (const { labels = {}, value } of samples) made.set(labels, value);
  };
  const { trust, own, admins, certificates, destinations, notices, log, directory } = status;

  gauge('ready', 'Whether the broker can serve.', [{ value: Number(status.ready) }]);
  gauge('started_seconds', 'When the broker was started, in Unix time.', [
    { value: unixTime(status.started) },
  ]);
  const { load } = status;
  if (load !== undefined) {
    const { loopDelayMs, blocked, underWay, waiting: waitingIn } = load;
    const { limit, refused, overloaded, unhandled } = load;
    gauge(
      'event_loop_delay_seconds',
      'How late the event loop was: the 99th percentile of the last whole ten seconds.',
      [{ value: loopDelayMs / 1000 }],
    );
    gauge('event_loop_blocked', 'How often the event loop was blocked for long, since the start.', [
      { value: blocked },
    ]);
    gauge(
      'requests_under_way',
      'Requests that are under way.',
      Object.entries(underWay).map(([side, value]) => ({ labels: { side }, value })),
    );
    gauge('requests_waiting', 'Requests that wait to be let in.', [{ value: waitingIn }]);
    gauge('requests_limit', 'How many requests may be under way at once, now.', [{ value: limit }]);
    gauge('requests_refused', 'Requests that were refused for want of room, since the start.', [
      { value: refused },
    ]);
    gauge('overloaded', 'Whether requests are refused for want of room.', [
      { value: Number(overloaded !== undefined) },
    ]);
    gauge('unhandled', 'Rejections and exceptions that no code handled, since the start.', [
      { value: unhandled },
    ]);
  }
  gauge(
    'valid_until_seconds',
    'When something of ours or of a neighbour ends, in Unix time.',
    // The soonest is first, and must be the one that stays where two have the same name.
    certificates.toReversed().map(({ whose, kind, region, name, validUntil }) => ({
      labels: { whose, kind, region, name },
      value: unixTime(validUntil),
    })),
  );
  gauge(
    'neighbour_state',
    'How a neighbour stands.',
    trust.neighbours.flatMap(({ region, state }) => oneOf(NEIGHBOUR_STATES, state, { region })),
  );
  gauge(
    'neighbour_waits_for_approval',
    'Whether a statement of a neighbour, or the proposal of one, waits for an admin.',
    [
      ...trust.neighbours.map(({ region, pending }) => waiting(region, 'statement', pending !== undefined)),
      ...trust.proposed.map((region) => waiting(region, 'enrolment', true)),
    ],
  );
  gauge(
    'neighbour_statement_refresh_failing',
    'Whether the last look for a newer statement of a neighbour failed.',
    trust.neighbours.map(({ region, fault }) => ({
      labels: { region },
      value: Number(fault !== undefined),
    })),
  );
  gauge(
    'neighbour_statement_refreshed_seconds',
    'When the statement of a neighbour was last fetched and in order, in Unix time.',
    trust.neighbours.flatMap(({ region, refreshedAt }) =>
      refreshedAt === undefined ? [] : [{ labels: { region }, value: unixTime(refreshedAt) }],
    ),
  );
  gauge('unreadable', 'Whether something cannot be read or taken, so that it stays as it was.', [
    { labels: { what: 'decisions' }, value: Number(trust.fault !== undefined) },
    { labels: { what: 'admins' }, value: Number(admins.fault !== undefined) },
    { labels: { what: 'own-files' }, value: Number(own.fault !== undefined) },
  ]);
  gauge(
    'circuit_state',
    'The circuit to a destination.',
    destinations.flatMap(({ kind, name, circuit }) => oneOf(CIRCUITS, circuit, { kind, name })),
  );
  gauge(
    'calls_under_way',
    'Calls to a destination that are not over.',
    destinations.map(({ kind, name, underWay: value }) => ({ labels: { kind, name }, value })),
  );
  gauge(
    'calls_capacity',
    'Calls to a destination that may be under way at once.',
    destinations.map(({ kind, name, capacity: value }) => ({ labels: { kind, name }, value })),
  );
  gauge('store_state', 'How the store is; low: its disk has come down to the reserve.', [
    ...oneOf(STORE_STATES, status.store, {}),
  ]);
  gauge(
    'witness_failing',
    'Whether a neighbour did not cosign the head of our log when last asked.',
    log.witnesses.map(({ region, fault }) => ({ labels: { region }, value: Number(fault !== undefined) })),
  );
  gauge(
    'log_forks',
    'Logs that were seen to show two pasts.',
    log.forks === undefined ? [] : [{ value: log.forks.length }],
  );
  gauge(
    'directory_file_seconds',
    'The day that the newest imported file of the directory shows, in Unix time.',
    directory.map(({ kind, date }) => ({ labels: { kind }, value: unixTime(date) })),
  );
  gauge(
    'notices_waiting',
    'Notices of what ends that were not delivered yet.',
    notices.map(({ channel, waiting: value }) => ({ labels: { channel }, value })),
  );
  const {
    seen = 0,
    waiting: untold = [],
    inbox = [],
    decided,
    givenUp = [],
    tellers = [],
  } = status.patientNotices ?? {};
  gauge('patient_notices_seen', 'Patients whose home region is not known yet.', [{ value: seen }]);
  gauge(
    'patient_notices_waiting',
    'Patients whom a home region is to be told of, and why that waits.',
    untold.map(({ region, why = 'nothing', count: value }) => ({ labels: { region, why }, value })),
  );
  gauge(
    'patient_notices_inbox',
    'What a neighbour told of patients and is not decided yet, as a part of what may wait.',
    inbox.map(({ region, waiting: rows }) => ({
      labels: { region },
      value: rows / (status.patientNotices?.inboxLimit ?? rows),
    })),
  );
  gauge(
    'patient_notices_given_up',
    'Patients of whom no home region was told in time, since the start.',
    givenUp.map(({ region = '', count: value }) => ({ labels: { region }, value })),
  );
  gauge(
    'patient_notices_inbox_given_up',
    'Patients whom neighbours told of and whose home could not be found out in time, since the start.',
    [{ value: decided?.givenUp ?? 0 }],
  );
  gauge(
    'patient_notices_tellers',
    'What became of what a neighbour told, in the last 90 days: patients, and queries that it led to.',
    tellers.flatMap(({ region, how, ...counts }) =>
      Object.entries(counts).map(([what, value]) => ({ labels: { region, how, what }, value })),
    ),
  );
  const all = Registry.merge([registry, ...counted]);
  return { type: all.contentType, text: await all.metrics() };
}

function oneOf(
  states: readonly string[],
  present: string,
  labels: Readonly<Record<string, string>>,
): Sample[] {
  return states.map((state) => ({ labels: { ...labels, state }, value: Number(state === present) }));
}

function waiting(region: string, what: string, waits: boolean): Sample {
  return { labels: { region, what }, value: Number(waits) };
}

function unixTime(instant: string): number {
  return Date.parse(instant) / 1000;
}
