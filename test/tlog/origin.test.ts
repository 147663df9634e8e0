import assert from 'node:assert/strict';

import { currentOf, chainOf, newSuccessor } from '../../src/audit/succession/chain.ts';
import { auditEventId } from '../../src/audit/balp/balp.ts';
import { covers, logOrigin, placeAmong, successorOrigin } from '../../src/tlog/origin.ts';

const LISTED = logOrigin('https://london.wayleave.example', '1');

describe('the origin of a log and of its successors', () => {
  it('names the replica, and the successor by its number', () => {
    assert.equal(LISTED, 'london.wayleave.example/log/1');
    assert.equal(successorOrigin(LISTED, 2), 'london.wayleave.example/log/1/2');
    for (const number of [1, 0, -2, 1.5, 10_000])
      assert.throws(() => successorOrigin(LISTED, number), TypeError);
  });

  const COVERED: [string, number | undefined][] = [
    [LISTED, 1],
    [`${LISTED}/2`, 2],
    [`${LISTED}/9999`, 9_999],
    [`${LISTED}/1`, undefined],
    [`${LISTED}/0`, undefined],
    [`${LISTED}/02`, undefined],
    [`${LISTED}/10000`, undefined],
    [`${LISTED}/2/2`, undefined],
    [`${LISTED}/two`, undefined],
    [`${LISTED}/`, undefined],
    ['london.wayleave.example/log/12', undefined],
    ['london.wayleave.example/log/2', undefined],
    ['essex.wayleave.example/log/1/2', undefined],
    ['', undefined],
  ];
  for (const [origin, number] of COVERED) {
    it(`${number === undefined ? 'does not speak for' : 'speaks for'} ${origin || 'nothing'}`, () => {
      assert.equal(placeAmong(origin, [LISTED])?.number, number);
      assert.equal(covers([LISTED], origin), number !== undefined);
    });
  }

  it('follows the logs of a store from the one that is listed', () => {
    const end = (next: string) => ({ next, at: 1, why: 'sealed' });
    const logs = [
      { log: LISTED, size: 3, end: end(`${LISTED}/2`) },
      { log: `${LISTED}/2`, size: 3, end: end(`${LISTED}/7`) },
      { log: 'another', size: 3, end: undefined },
    ];
    assert.deepEqual(chainOf(logs, LISTED), [LISTED, `${LISTED}/2`, `${LISTED}/7`]);
    assert.equal(currentOf(logs, LISTED), `${LISTED}/7`);
    assert.equal(currentOf([], LISTED), LISTED);
  });

  it('never gives two logs one name', () => {
    assert.equal(newSuccessor(LISTED, []), `${LISTED}/2`);
    assert.equal(newSuccessor(LISTED, [LISTED, `${LISTED}/4`, 'another/log/1/9']), `${LISTED}/5`);
  });

  it('gives AuditEvents of each log an id of their own', () => {
    const ids = [LISTED, `${LISTED}/2`, logOrigin('https://london.wayleave.example', '2'), `${LISTED}/22`];
    assert.deepEqual(
      ids.map((origin) => auditEventId(origin, 2)),
      ['1.2', '1.2.2', '2.2', '1.22.2'],
    );
  });
});
