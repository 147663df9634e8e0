import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';

import {
  compare,
  NotComparable,
  type Comparison,
  type CompareOptions,
} from '../../src/audit/questions/compare.ts';
import type { Event, Facts } from '../../src/audit/entry.ts';
import { extractFrom, type LogExtract } from '../../src/audit/questions/log-export.ts';
import { EXCHANGE_SPAN_MS } from '../../src/audit/walk.ts';
import type { FoundEntry } from '../../src/store/contracts.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestViewer } from '../support/viewer.ts';
import { withLog } from './evidence-of.ts';
import { found, storeOf } from './found-entries.ts';

const DAY = 86_400_000;
const START = Date.parse('2026-11-01T00:00:00Z');
const END = START + 20 * DAY;
const NOON = START + 10 * DAY;
const SECOND = 1_000;

type Line = [at: number, Event, Facts & { exchange?: string }];

/** One whole exchange that A asked of B, as both keep it. */
function exchange(jti: string, at: number): { a: Line[]; b: Line[] } {
  const [query_digest, response_digest] = [`q-${jti}`, `r-${jti}`];
  return {
    a: [
      [at, 'query-sent', { region: 'b', jti, query_digest, exchange: `x-${jti}` }],
      [
        at + 300,
        'response-believed',
        { region: 'b', jti, response_digest, outcome: 'answered', exchange: `x-${jti}` },
      ],
    ],
    b: [
      [at + 100, 'query-received', { region: 'a', jti, query_digest, exchange: jti }],
      [at + 200, 'query-answered', { region: 'a', jti, response_digest, outcome: 'answered', exchange: jti }],
    ],
  };
}

const entriesOf = (lines: readonly Line[]): FoundEntry[] =>
  lines.map(([at, event, facts]) => found(at, event, facts));

function extract(
  region: string,
  other: string,
  lines: readonly Line[],
  span = { from: START, to: END },
): LogExtract {
  return extractFrom(storeOf(entriesOf(lines)), { region, with: other, ...span }, 3);
}

function compared(
  a: readonly Line[],
  b: readonly Line[],
  options: Partial<CompareOptions> = {},
): Promise<Comparison> {
  const all = { toleranceMs: 30 * SECOND, list: 10, now: END, ...options };
  return compare(extract('a', 'b', a), extract('b', 'a', b), all);
}

/** What was found, as `code: jtis`. */
function told({ differences, toldApart }: Comparison): string[] {
  return [...differences, ...toldApart].map(
    ({ code, exchanges }) => `${code}: ${exchanges.map(({ jti }) => jti).join(' ')}`,
  );
}

describe('comparing what two regions kept of their exchanges', () => {
  const { a, b } = exchange('j', NOON);
  const [sent, believed] = a as [Line, Line];
  const [received, answered] = b as [Line, Line];
  const change = ([at, event, facts]: Line, more: Facts, event2: Event = event, later = 0): Line => [
    at + later,
    event2,
    { ...facts, ...more },
  ];
  const lost = change(believed, { response_digest: undefined, reason: 'timeout' }, 'not-reached');
  const disbelieved = change(believed, { response_digest: undefined }, 'response-not-believed');
  const refusal = change(answered, {}, 'query-refused');
  const interrupted: Line = [NOON + DAY, 'interrupted', { exchange: 'x-j' }];

  const TABLE: [string, Line[], Line[], string[]][] = [
    ['both have all of it', a, b, []],
    ['the responder withheld', a, [received, change(answered, {}, 'query-withheld')], []],
    ['the responder refused', a, [received, refusal], []],
    ['the responder refused before it admitted the query', a, [refusal], []],
    [
      'a replay was refused as well',
      a,
      [...b, change(refusal, { response_digest: 'other' }, undefined, 5_000)],
      [],
    ],
    ['the responder has nothing', a, [], ['exchange-missing-at-responder: j']],
    ['the responder has the question alone', a, [received], ['answer-missing-at-responder: j']],
    ['the responder has the answer alone', a, [answered], ['query-missing-at-responder: j']],
    ['the requester has nothing', [], b, ['exchange-missing-at-requester: j']],
    ['the requester has the answer alone', [believed], b, ['query-missing-at-requester: j']],
    ['the requester has the question alone', [sent], b, ['answer-missing-at-requester: j']],
    ['the responder refused what nobody sent', [], [refusal], ['refusal-unknown-to-requester: j']],
    ['another query', [change(sent, { query_digest: 'other' }), believed], b, ['query-digest-differs: j']],
    [
      'another answer',
      a,
      [received, change(answered, { response_digest: 'x' })],
      ['response-digest-differs: j'],
    ],
    ['a clock just within tolerance', a, b.map((line) => change(line, {}, undefined, 29_000)), []],
    ['a clock beyond it', a, b.map((line) => change(line, {}, undefined, 31_000)), ['times-apart: j']],
    [
      'a clock that is days ahead',
      a,
      b.map((line) => change(line, {}, undefined, 2 * DAY)),
      ['times-apart: j'],
    ],
    [
      'a clock that is days behind',
      a,
      b.map((line) => change(line, {}, undefined, -2 * DAY)),
      ['times-apart: j'],
    ],
    [
      'an answer from after it was believed',
      a,
      [received, change(answered, {}, undefined, 60_000)],
      ['times-apart: j'],
    ],
    ['an answer lost on the way', [sent, lost], b, ['answer-lost: j']],
    ['an answer that was not believed', [sent, disbelieved], b, ['answer-not-believed: j']],
    ['a query lost on the way', [sent, lost], [], ['query-not-received: j']],
    ['a requester that was killed', [sent, interrupted], b, ['requester-interrupted: j']],
    [
      'a requester that was killed, and a suppressed receipt',
      [sent, interrupted],
      [answered],
      ['query-missing-at-responder: j'],
    ],
  ];
  for (const [name, mine, theirs, expected] of TABLE) {
    it(`${name}: ${expected.join() || 'they agree'}`, async () => {
      const result = await compared(mine, theirs);
      assert.deepEqual(told(result), expected);
      assert.equal(result.exchanges, 1);
      assert.equal(result.agreeing, expected.length === 0 ? 1 : 0);
      // Whichever of the two is named first.
      const swapped = await compare(extract('b', 'a', theirs), extract('a', 'b', mine), {
        ...{ toleranceMs: 30 * SECOND, list: 10, now: END },
      });
      assert.deepEqual(told(swapped), expected);
    });
  }

  it('leaves other regions’ exchanges alone, also where an export holds all', async () => {
    const theirs: Line = [NOON, 'query-sent', { region: 'c', jti: 'k' }];
    const span = { from: START, to: END };
    const all = extractFrom(storeOf(entriesOf([...a, theirs])), { region: 'a', ...span });
    const result = await compare(all, extract('b', 'a', b), { toleranceMs: SECOND, list: 1, now: END });
    assert.deepEqual([result.exchanges, result.agreeing], [1, 1]);
  });

  it('judges nothing at the edges of the time that both hold, nor what may not be written yet', async () => {
    const early = exchange('early', START + SECOND);
    const late = exchange('late', END - SECOND);
    const result = await compared([...early.a, ...a, ...late.a], b);
    assert.deepEqual(told(result), ['unsettled: early late']);
    const now = await compared([...a.slice(0, 1)], b, { now: NOON + 60 * SECOND });
    assert.deepEqual(told(now), ['unsettled: j']);
    const young = await compared([...a], [], { now: NOON + 60 * SECOND });
    assert.deepEqual(told(young), ['exchange-missing-at-responder: j']);
  });

  it('compares the time that both exports are of', async () => {
    const outside = exchange('outside', START + DAY);
    const one = extract('a', 'b', [...outside.a, ...a]);
    const other = extract('b', 'a', b, { from: NOON - DAY, to: END });
    const result = await compare(one, other, { toleranceMs: SECOND, list: 10, now: END });
    assert.deepEqual([told(result), result.exchanges], [[], 1]);
  });

  for (const days of [2, -2]) {
    it(`joins the halves of an exchange with others between them: a clock ${days} days off`, async () => {
      const between = [-1, 0.5, 1].map((nth) => exchange(`k${nth}`, NOON + nth * DAY));
      const shifted = b.map((line) => change(line, {}, undefined, days * DAY));
      const result = await compared(
        [...between.flatMap((one) => one.a), ...a],
        [...between.flatMap((one) => one.b), ...shifted],
      );
      assert.deepEqual([told(result), result.exchanges], [['times-apart: j'], 4]);
    });
  }

  it('finds the few among many, over more pages and spans than one, and lists as many as are wanted', async () => {
    const many = Array.from({ length: 4_000 }, (_, nth) =>
      exchange(`n${nth}`, START + DAY + nth * 60 * SECOND),
    );
    const suppressed = new Set([7, 1_999, 2_000, 3_998]);
    let progress = 0;
    const result = await compared(
      many.flatMap((one) => one.a),
      many.flatMap((one, nth) => (suppressed.has(nth) ? [] : one.b)),
      { list: 3, onProgress: () => (progress += 1) },
    );
    assert.deepEqual(told(result), ['exchange-missing-at-responder: n7 n1999 n2000']);
    assert.equal(result.differences[0]?.count, 4);
    assert.deepEqual([result.exchanges, result.agreeing], [4_000, 3_996]);
    assert.ok(progress > 10);
  });

  it('does not compare a region with itself, nor exports that are about others', async () => {
    const options = { toleranceMs: 0, list: 1, now: END };
    await assert.rejects(compare(extract('a', 'b', []), extract('a', 'b', []), options), NotComparable);
    await assert.rejects(compare(extract('a', 'c', []), extract('b', 'a', []), options), NotComparable);
  });
});

describe('two regions compared after they asked each other', () => {
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation({ regions: ['herts-west-essex', 'london'] });
    for (const region of ['herts-west-essex', 'london'] as const) {
      const viewer = new TestViewer(federation, region);
      for (const patient of ['9990000018', '9990000026', '9990000077']) {
        await viewer.ask(patient, `/fhir/Condition?patient=${patient}`);
      }
      viewer.close();
    }
  });
  after(() => federation.stop());

  function both(): Promise<Comparison> {
    const now = Date.now() + EXCHANGE_SPAN_MS;
    const span = { from: 0, to: now };
    return withLog(federation, 'herts-west-essex', (ours) =>
      withLog(federation, 'london', (theirs) =>
        compare(
          extractFrom(ours.store.log, { region: 'herts-west-essex', ...span }),
          extractFrom(theirs.store.log, { region: 'london', ...span }),
          { toleranceMs: 30 * SECOND, list: 10, now },
        ),
      ),
    );
  }

  /** As somebody does who can write to the database and hopes that nobody asks. */
  function suppress(region: RegionId, jti: string): void {
    const database = new DatabaseSync(federation.config(region).store.replace('sqlite:', ''));
    const { changes } = database.prepare('DELETE FROM log_entry WHERE jti = ?').run(jti);
    assert.ok(changes > 0);
    database.close();
  }

  async function jtiOf(region: RegionId, event: Event): Promise<string> {
    const jti = (await readAudit(federation.config(region))).find((row) => row.event === event)?.jti;
    assert.ok(jti);
    return jti;
  }

  it('agree as they are; and a suppressed exchange is found at either end, by its jti', async () => {
    const whole = await both();
    assert.deepEqual(told(whole), []);
    assert.ok(whole.exchanges >= 3 && whole.agreeing === whole.exchanges, `${whole.exchanges}`);

    const given = await jtiOf('london', 'query-answered');
    suppress('london', given);
    assert.deepEqual(told(await both()), [`exchange-missing-at-responder: ${given}`]);

    const asked = await jtiOf('london', 'query-sent');
    suppress('london', asked);
    assert.deepEqual(told(await both()), [
      `exchange-missing-at-requester: ${asked}`,
      `exchange-missing-at-responder: ${given}`,
    ]);
  });
});
