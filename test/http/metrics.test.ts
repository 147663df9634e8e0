import assert from 'node:assert/strict';

import type { BrokerStatus } from '../../src/http/broker-status.ts';
import { metricsOf } from '../../src/http/metrics.ts';
import { readMetrics, type Series } from '../support/prometheus-text.ts';

const UNTIL = '2027-01-01T00:00:00.000Z';

const CALLS = { window: { failed: 0 }, underWay: 3, capacity: 64 };
const TELLER = {
  ...{ region: 'london', how: 'handover', known: 0, dropped: 0, 'given-up': 0 },
  ...{ answered: 0, none: 0, withheld: 0, 'not-reached': 0 },
};

const LOAD = {
  ...{ loopDelayMs: 30, blocked: 1, waiting: 2, limit: 64, refused: 5, unhandled: 3 },
  ...{ underWay: { viewers: 7, neighbours: 8 }, overloaded: UNTIL },
};

describe('the metrics of a status', () => {
  const status = (change: Partial<BrokerStatus> = {}): BrokerStatus => ({
    ...{ region: 'us', entity: 'https://us.example', started: '2026-11-23T10:00:00.500Z' },
    ...{
      ready: true,
      store: 'ok',
      load: LOAD,
      log: { witnesses: [], forks: [] },
      directory: [],
      pings: [],
      crls: [],
    },
    ...{ destinations: [], own: { statement: 1 }, admins: {}, trust: { neighbours: [], proposed: [] } },
    ...{ certificates: [], notices: [], feeds: { platforms: [], polling: [] } },
    ...change,
  });
  const read = async (change?: Partial<BrokerStatus>): Promise<Series[]> =>
    readMetrics((await metricsOf(status(change))).text);
  const told = (series: readonly Series[], name: string): [string, number][] =>
    series
      .filter((one) => one.name === `wayleave_${name}`)
      .map(({ labels, value }) => [Object.values(labels).join(' '), value]);
  const ending = (name: string, validUntil = UNTIL) => ({
    ...{ whose: 'theirs', kind: 'anchor', region: 'london', name, validUntil, daysLeft: 1, level: '1' },
  });
  const neighbour = (region: string, change: Partial<BrokerStatus['trust']['neighbours'][number]> = {}) => ({
    ...{ region, state: 'trusted', statement: 1, pausedUntil: undefined },
    ...{ pending: undefined, refreshedAt: undefined, fault: undefined, ...change },
  });

  it('are gauges in the text format, also where there is nothing yet', async () => {
    const series = await read();
    assert.ok(series.every(({ name, type }) => name.startsWith('wayleave_') && type === 'gauge'));
    assert.deepEqual(told(series, 'ready'), [['', 1]]);
    assert.deepEqual(told(series, 'started_seconds'), [['', Date.parse('2026-11-23T10:00:00.500Z') / 1000]]);
    assert.deepEqual(told(await read({ ready: false }), 'ready'), [['', 0]]);
  });

  it('have what is taken in, and whether we keep up', async () => {
    const series = await read();
    const names = [
      'event_loop_delay_seconds',
      'event_loop_blocked',
      'requests_under_way',
      'requests_waiting',
    ];
    const more = ['requests_limit', 'requests_refused', 'overloaded', 'unhandled'];
    assert.deepEqual(
      [...names, ...more].flatMap((name) => told(series, name)),
      [
        ...[
          ['', 0.03],
          ['', 1],
          ['viewers', 7],
          ['neighbours', 8],
          ['', 2],
        ],
        ...[
          ['', 64],
          ['', 5],
          ['', 1],
          ['', 3],
        ],
      ],
    );
    const { overloaded: _, ...well } = LOAD;
    assert.deepEqual(told(await read({ load: well }), 'overloaded'), [['', 0]]);
  });

  it('have when each thing ends, whatever it is called', async () => {
    const odd = 'london anchor CN="a\\b", O=one\ntwo, {}=☃';
    const [series] = (await read({ certificates: [ending(odd)] })).filter(
      ({ name }) => name === 'wayleave_valid_until_seconds',
    );
    assert.deepEqual(series?.labels, { whose: 'theirs', kind: 'anchor', region: 'london', name: odd });
    assert.equal(series?.value, Date.parse(UNTIL) / 1000);
  });

  it('have the sooner of two that are called alike: none hides another that ends before it', async () => {
    const later = ending('london anchor CN=x', '2030-01-01T00:00:00.000Z');
    const series = await read({ certificates: [ending('london anchor CN=x'), later] });
    assert.deepEqual(
      told(series, 'valid_until_seconds').map(([, value]) => value),
      [Date.parse(UNTIL) / 1000],
    );
  });

  it('have how each neighbour stands, and what waits', async () => {
    const series = await read({
      trust: {
        fault: 'store-unavailable',
        neighbours: [
          neighbour('london', { state: 'revoked', fault: 'timeout', refreshedAt: UNTIL }),
          neighbour('essex', { pending: ['tls'] }),
        ],
        proposed: ['wessex'],
      },
    });
    assert.deepEqual(told(series, 'neighbour_state'), [
      ['london trusted', 0],
      ['london paused', 0],
      ['london unspoken', 0],
      ['london revoked', 1],
      ['essex trusted', 1],
      ['essex paused', 0],
      ['essex unspoken', 0],
      ['essex revoked', 0],
    ]);
    assert.deepEqual(told(series, 'neighbour_waits_for_approval'), [
      ['london statement', 0],
      ['essex statement', 1],
      ['wessex enrolment', 1],
    ]);
    assert.deepEqual(told(series, 'neighbour_statement_refresh_failing'), [
      ['london', 1],
      ['essex', 0],
    ]);
    assert.deepEqual(told(series, 'neighbour_statement_refreshed_seconds'), [
      ['london', Date.parse(UNTIL) / 1000],
    ]);
    assert.deepEqual(told(series, 'unreadable'), [
      ['decisions', 1],
      ['admins', 0],
      ['own-files', 0],
    ]);
  });

  it('have each circuit, and the notices that wait', async () => {
    const series = await read({
      destinations: [
        { kind: 'neighbour', name: 'london', circuit: 'open', ...CALLS },
        { kind: 'record', name: 'london', circuit: 'closed', ...CALLS },
      ],
      notices: [{ channel: 'email', waiting: 2 }],
    });
    assert.deepEqual(
      told(series, 'circuit_state').filter(([, value]) => value === 1),
      [
        ['neighbour london open', 1],
        ['record london closed', 1],
      ],
    );
    assert.deepEqual(told(series, 'notices_waiting'), [['email', 2]]);
    assert.deepEqual(told(series, 'calls_under_way'), [
      ['neighbour london', 3],
      ['record london', 3],
    ]);
    assert.deepEqual(told(series, 'calls_capacity')[0], ['neighbour london', 64]);
  });

  it('have the store, the witnesses, forks, and how old the directory is', async () => {
    const series = await read({
      store: 'low',
      log: { witnesses: [{ region: 'london' }, { region: 'essex', fault: 'not-reached' }], forks: [{}] },
      directory: [{ kind: 'cost-centres', date: '2026-08-28' }],
    });
    assert.deepEqual(told(series, 'store_state'), [
      ['ok', 0],
      ['low', 1],
      ['failing', 0],
    ]);
    assert.deepEqual(told(series, 'witness_failing'), [
      ['london', 0],
      ['essex', 1],
    ]);
    assert.deepEqual(told(series, 'log_forks'), [['', 1]]);
    assert.deepEqual(told(series, 'directory_file_seconds'), [
      ['cost-centres', Date.parse('2026-08-28') / 1000],
    ]);
    const unsaid = await read({ log: { witnesses: [], forks: undefined } });
    assert.deepEqual(told(unsaid, 'log_forks'), []);
  });

  it('have whom home regions are to be told of, why that waits, and how full the inbox is', async () => {
    const series = await read({
      patientNotices: {
        ...{ seen: 3, told: [], inboxLimit: 200, decided: { known: 0, dropped: 1, givenUp: 4 } },
        givenUp: [{ count: 2 }, { region: 'london', count: 6 }],
        ...{ tellersDays: 90, tellers: [{ ...TELLER, none: 7 }] },
        waiting: [
          { region: 'london', count: 5 },
          { region: 'essex', count: 7, why: 'no-agreement' },
        ],
        inbox: [{ region: 'london', waiting: 50 }],
      },
    });
    assert.deepEqual(told(series, 'patient_notices_seen'), [['', 3]]);
    assert.deepEqual(told(series, 'patient_notices_waiting'), [
      ['london nothing', 5],
      ['essex no-agreement', 7],
    ]);
    assert.deepEqual(told(series, 'patient_notices_inbox'), [['london', 0.25]]);
    assert.deepEqual(told(series, 'patient_notices_given_up'), [
      ['', 2],
      ['london', 6],
    ]);
    assert.deepEqual(told(series, 'patient_notices_inbox_given_up'), [['', 4]]);
    assert.deepEqual(
      told(series, 'patient_notices_tellers').filter(([, value]) => value !== 0),
      [['london handover none', 7]],
    );
    assert.deepEqual(told(await read(), 'patient_notices_seen'), [['', 0]]);
  });
});
