import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { inTurn } from '../../src/whereabouts/notices/in-turn.ts';
import { Deciding, digestOf, HERE, PATIENTS } from './deciding.ts';

const MANY = PATIENTS.slice(0, 1_000);
const [ONE = '', TWO = ''] = PATIENTS.slice(1_000);

describe('the turns of neighbours in the inbox', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wayleave-turns-'));
  let made = 0;
  let store: Store;
  let deciding: Deciding;
  beforeEach(async () => {
    store = await openSqliteStore(join(directory, `store-${(made += 1)}.db`));
    deciding = new Deciding(store);
  });
  afterEach(() => store.close());
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('a neighbour with a thousand that wait delays one of another by few decisions', async () => {
    await deciding.tell('essex', MANY);
    deciding.now += 1_000;
    let told = false;
    // It comes while the first of the others are decided: that round goes on, and the next has it.
    const { homes, lookedUp } = deciding;
    const late = new Deciding(store, {
      lookUp: async (nhsNumber) => {
        lookedUp.push(nhsNumber);
        if (!told) await deciding.tell('london', [ONE]);
        told = true;
        return homes.get(nhsNumber) ?? { kind: 'registered', practice: 'F81027', current: nhsNumber };
      },
    });
    late.now = deciding.now;
    while (!(await late.isKnown(ONE))) await late.inbox.round();
    assert.ok(lookedUp.length <= 25, `${lookedUp.length} decisions`);
    const { essex = 0, london } = await deciding.undecided();
    assert.deepEqual([essex >= 975, london], [true, undefined]);
  });

  it('the oldest of one neighbour come first, and all come in the end', async () => {
    await deciding.tell('essex', [TWO]);
    deciding.now += 1_000;
    await deciding.tell('essex', MANY.slice(0, 100));
    await deciding.inbox.round();
    assert.ok(deciding.lookedUp.includes(TWO));
    while (await deciding.inbox.round());
    assert.deepEqual([await deciding.undecided(), deciding.lookedUp.length], [{}, 101]);
  });

  it('who is in our own register is decided while demographics cannot say of what others told', async () => {
    const [essex, london, here] = [MANY.slice(0, 5), MANY.slice(5, 10), MANY.slice(10, 15)];
    for (const silent of [...essex, ...london]) deciding.homes.set(silent, { kind: 'not-reached' });
    for (const nhsNumber of here) deciding.here.add(digestOf(nhsNumber));
    await deciding.tell('essex', essex);
    await deciding.tell('london', london);
    await deciding.tell('west-midlands', here);
    assert.equal(await deciding.inbox.round(), false);
    assert.deepEqual(await deciding.undecided(), { essex: 5, london: 5 });
    assert.ok(deciding.lookedUp.length <= 4, 'demographics are left alone');
  });

  it('what is looked up while its teller is revoked counts for nothing', async () => {
    const late = new Deciding(store, {
      lookUp: async (nhsNumber) => {
        late.trusted.delete('essex');
        return { kind: 'registered', practice: HERE, current: nhsNumber };
      },
    });
    await late.tell('essex', [ONE]);
    await late.tell('london', [ONE]);
    await late.inbox.round();
    const known = await store.knownRegions.of([digestOf(ONE)]);
    assert.deepEqual(
      known.map(({ from }) => from),
      ['london'],
    );
    assert.deepEqual(await late.undecided(), {});
  });

  it('another neighbour begins each time, and what two told of one patient comes once', () => {
    const rows = ['a 1', 'a 2', 'a 3', 'b 4', 'b 1', 'c 5', 'c 5'].map((text) => {
      const [sender = '', patient = ''] = text.split(' ');
      return { sender, patient };
    });
    const turns = (nth: number): string =>
      inTurn(rows, nth)
        .map(([patient]) => patient)
        .join('');
    assert.deepEqual([0, 1, 2, 3].map(turns), ['14523', '45123', '51423', '14523']);
    assert.deepEqual(
      inTurn(rows, 0).map(([, told]) => told.length),
      [2, 1, 2, 1, 1],
    );
    assert.deepEqual(inTurn([], 7), []);
  });
});
