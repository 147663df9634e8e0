import assert from 'node:assert/strict';

import { EVENTS } from '../../../src/audit/entry.ts';
import { firstSequence, ndjsonLine } from '../../../src/audit/stream/ndjson-line.ts';
import type { OutgoingEntry } from '../../../src/audit/stream/outgoing.ts';
import { syslogMessages } from '../../../src/audit/stream/syslog-message.ts';
import { leavesOf, parseSyslog } from '../../support/rfc5424.ts';

const LOG = 'london.wayleave.example/log/1';
const FORM = { host: 'london.wayleave.example', enterprise: 32473, messageBytes: 8_192 };
const AT = Date.UTC(2026, 3, 1, 9, 30, 0, 7);

function outgoing(sequence: number, said: object = {}): OutgoingEntry {
  const leaf = { seq: sequence, at: AT, mono: 5, boot: 'b-1', event: 'query-sent', exchange: 'x', ...said };
  return { log: LOG, sequence, leaf: Buffer.from(JSON.stringify(leaf)), said: leaf as OutgoingEntry['said'] };
}

describe('an entry as a line of a file', () => {
  it('is one line of JSON, in which the leaf stands byte for byte', () => {
    const entry = outgoing(7, { reason: 'line\nfeed, “quotes” and \u2028', detail: { '2': 'b', '1': 'a' } });
    const line = ndjsonLine(entry).toString('utf8');
    assert.equal(line.indexOf('\n'), line.length - 1);
    assert.deepEqual(JSON.parse(line), {
      log: LOG,
      seq: 7,
      leaf: JSON.parse(entry.leaf.toString()) as object,
    });
    const [, leaf] = /^\{"log":"[^"]*","seq":\d+,"leaf":([^\n]*)\}\n$/.exec(line) ?? [];
    assert.deepEqual(Buffer.from(leaf ?? ''), entry.leaf);
  });

  it('tells a file its first number, even behind a torn line', () => {
    const line = ndjsonLine(outgoing(41)).toString();
    assert.equal(firstSequence(line), 41);
    assert.equal(firstSequence(`{"log":"lon\n${line}`), 41);
    assert.equal(firstSequence('{"log":"lon'), undefined);
  });
});

describe('an entry as a syslog message', () => {
  const parsed = (entry: OutgoingEntry, form = FORM) => syslogMessages(entry, form).map(parseSyslog);

  it('says in its header what it is, and in its text the leaf byte for byte', () => {
    const entry = outgoing(12, { reason: 'café' });
    const [message, ...more] = parsed(entry);
    assert.equal(more.length, 0);
    assert.deepEqual(message, {
      ...{ facility: 13, severity: 6, time: '2026-04-01T09:30:00.007Z', host: FORM.host, app: 'wayleave' },
      ...{ process: 'b-1', id: 'query-sent', dataId: 'wayleave@32473', data: { log: LOG, seq: '12' } },
      text: entry.leaf,
    });
  });

  it('is a warning where somebody was refused, not believed, or lied', () => {
    const severityOf = (event: string, more: object = {}) =>
      parsed(outgoing(1, { event, ...more }))[0]?.severity;
    const of = (severity: number) => EVENTS.filter((event) => severityOf(event) === severity);
    assert.deepEqual(of(4), [
      ...['interrupted', 'viewer-refused', 'response-not-believed', 'query-refused'],
      ...['access-answer-not-believed', 'access-question-refused'],
      ...['locate-not-believed', 'locate-refused', 'receipt-not-believed', 'notice-refused'],
      'refusals-counted',
      ...['fork-seen', 'inclusion-not-proved', 'admin-refused'],
    ]);
    assert.deepEqual(of(5), [
      ...['started', 'not-reached', 'query-withheld', 'access-not-reached', 'access-question-withheld'],
      ...[
        'locate-not-reached',
        'notice-not-reached',
        'log-began',
        'log-succeeded',
        'store-opened',
        'objections-imported',
        'register-imported',
        'directory-imported',
        'care-locations-imported',
        'care-locations-forgotten',
        'notices-forget-began',
        'notices-forgotten',
        'audit-searched',
      ],
      ...[
        'report-made',
        'route-shown',
        'entries-erased',
        'segment-archived',
        'segment-pruned',
        'keys-rewrapped',
        'trust-decided',
        'admins-changed',
      ],
    ]);
    assert.equal(of(6).length, EVENTS.length - 14 - 26);
    assert.equal(severityOf('released-to-viewer'), 6);
    assert.equal(severityOf('released-to-viewer', { break_glass: true }), 5);
    assert.equal(severityOf('an-event-of-tomorrow'), 6);
  });

  it('comes in parts where the leaf is too long, none too long, none cut within a character', () => {
    for (const [character, length] of [
      ['x', 9_000],
      ['é', 8_192],
      ['€', 30_000],
      ['😀', 12_345],
    ] as const) {
      const entry = outgoing(3, { detail: { text: character.repeat(length) } });
      for (const messageBytes of [2_048, 2_049, 2_050, 2_051, 8_192]) {
        const messages = syslogMessages(entry, { ...FORM, messageBytes });
        assert.ok(messages.length > 1);
        assert.ok(messages.every((message) => message.length <= messageBytes));
        assert.deepEqual(leavesOf(messages), new Map([[3, entry.leaf]]));
      }
    }
  });

  it('is whole up to the last byte that fits', () => {
    const shortest = syslogMessages(outgoing(3, { reason: '' }), FORM)[0]?.length ?? 0;
    const ofLength = (bytes: number) =>
      syslogMessages(outgoing(3, { reason: 'x'.repeat(bytes - shortest) }), FORM).length;
    assert.deepEqual([ofLength(8_192), ofLength(8_193)], [1, 2]);
  });

  it('keeps its form whatever a field holds', () => {
    const odd = outgoing(1, { boot: '', event: `no such event, ${'long '.repeat(20)}` });
    const [message] = syslogMessages({ ...odd, log: 'a"b]c\\d' }, FORM).map(parseSyslog);
    assert.equal(message?.process, '-');
    assert.equal(message?.id.length, 32);
    assert.equal(message?.data['log'], 'a"b]c\\d');
  });
});
