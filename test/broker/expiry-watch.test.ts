import assert from 'node:assert/strict';

import { ExpiryWatch } from '../../src/broker/expiry-watch.ts';
import type { Ending, Level } from '../../src/trust/expiry.ts';
import type { Notice } from '../../src/upstream/notices/notice.ts';
import type { Outbox } from '../../src/upstream/notices/outbox.ts';

const UNTIL = '2027-01-01T00:00:00.000Z';

describe('the watch on what ends', () => {
  const ending = (level: Level, change: Partial<Ending> = {}): Ending => ({
    ...{
      whose: 'ours',
      kind: 'certificate',
      region: 'london',
      name: 'own server',
      validUntil: UNTIL,
      daysLeft: 5,
      level,
    },
    ...change,
  });

  class Watched {
    all: Ending[] | Error = [];
    readonly lines: string[] = [];
    readonly notices: Notice[] = [];
    readonly watch: ExpiryWatch;

    constructor() {
      const write =
        (level: string) =>
        (fields: object, message: string): void =>
          void this.lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
      const send = (notice: Notice): void => void this.notices.push(notice);
      this.watch = new ExpiryWatch({
        region: 'london',
        look: () => {
          if (this.all instanceof Error) throw this.all;
          return this.all;
        },
        outboxes: [{ send, close: () => undefined, status: () => ({}) } as unknown as Outbox],
        log: { info: write('info'), warn: write('warn'), error: write('error') },
        now: () => Date.parse('2026-11-23T10:00:00Z'),
      });
    }

    /** What a look tells of: name and level of each, and the words of the log. */
    tells(all: Ending[] | Error): { ends: string[]; log: string[] } {
      this.all = all;
      const [lines, notices] = [this.lines.length, this.notices.length];
      this.watch.look();
      return {
        ends: this.notices
          .slice(notices)
          .flatMap(({ ends }) => ends.map(({ name, level }) => `${name} ${level}`)),
        log: this.lines.slice(lines).map((line) => line.split(' ', 1)[0] ?? ''),
      };
    }
  }

  it('tells of each level once', () => {
    const watched = new Watched();
    const levels: readonly [Level, told: boolean, log?: string][] = [
      ['ok', false],
      ['90', true, 'warn'],
      ['90', false],
      ['30', true, 'warn'],
      ['14', true, 'warn'],
      ['14', false],
      ['7', true, 'error'],
      ['1', true, 'error'],
      ['ended', true, 'error'],
      ['ended', false],
    ];
    for (const [level, isTold, log] of levels) {
      const expected = isTold ? { ends: [`own server ${level}`], log: [log] } : { ends: [], log: [] };
      assert.deepEqual(watched.tells([ending(level)]), expected, level);
    }
  });

  it('tells the present level at the start, and so after a restart', () => {
    for (let start = 0; start < 2; start += 1) {
      const watched = new Watched();
      assert.deepEqual(watched.tells([ending('30')]), { ends: ['own server 30'], log: ['warn'] });
    }
  });

  it('tells of several things in one notice', () => {
    const watched = new Watched();
    watched.tells([
      ending('7'),
      ending('30', { name: 'own client' }),
      ending('ok', { name: 'own statement' }),
    ]);
    assert.deepEqual(
      watched.notices.map(({ region, at, ends }) => [region, at, ends.map(({ name }) => name)]),
      [['london', '2026-11-23T10:00:00.000Z', ['own server', 'own client']]],
    );
  });

  it('what is renewed is another thing, and tells again when its own end comes near', () => {
    const watched = new Watched();
    watched.tells([ending('7')]);
    const renewed = { validUntil: '2028-01-01T00:00:00.000Z' };
    assert.deepEqual(watched.tells([ending('ok', renewed)]).ends, []);
    assert.deepEqual(watched.tells([ending('7', renewed)]).ends, ['own server 7']);
  });

  it('two things of one name that end at different times are told apart', () => {
    const watched = new Watched();
    const other = ending('30', { validUntil: '2027-02-01T00:00:00.000Z' });
    watched.tells([ending('7'), other]);
    assert.deepEqual(watched.tells([ending('1'), other]).ends, ['own server 1']);
  });

  it('a review that is due is no error: nothing stops by it', () => {
    const watched = new Watched();
    const review = { kind: 'agreement-review' } as const;
    assert.deepEqual(watched.tells([ending('ended', review)]).log, ['warn']);
  });

  it('a look that fails says so, ends nothing, and the next one tells', () => {
    const watched = new Watched();
    assert.deepEqual(watched.tells(new TypeError('x')), { ends: [], log: ['error'] });
    assert.deepEqual(watched.tells([ending('7')]).ends, ['own server 7']);
  });
});
