import assert from 'node:assert/strict';

import type { RegisterEntry, RegisterStore } from '../../src/store/contracts.ts';

const SEALED = Uint8Array.of(1, 2, 255);
const entry = (patient: string, change: Partial<RegisterEntry> = {}): RegisterEntry => ({
  ...{ patient, sealedNumber: SEALED, practice: 'F81027' },
  ...change,
});

/** What every store promises of the local register. */
export function registerContract(of: () => RegisterStore): void {
  const one = async (patient = 'p') => (await of().of([patient]))[0];

  it('keeps who is registered here, with the number as it was sealed', async () => {
    await of().record([entry('p', { from: 5 }), entry('q')], { at: 10 });
    const found = await of().of(['p', 'q', 'nobody']);
    const plain = found.map(({ sealedNumber, ...rest }) => ({ ...rest, sealedNumber: [...sealedNumber] }));
    assert.deepEqual(
      plain.sort((a, b) => (a.patient < b.patient ? -1 : 1)),
      [
        { patient: 'p', practice: 'F81027', from: 5, sealedNumber: [1, 2, 255] },
        { patient: 'q', practice: 'F81027', sealedNumber: [1, 2, 255] },
      ],
    );
    assert.deepEqual(await of().of([]), []);
  });

  const FROM: [
    what: string,
    first: number | undefined,
    then: number | undefined,
    expected: number | undefined,
  ][] = [
    ['stays where another practice says a later day', 5, 20, 5],
    ['becomes earlier', 20, 5, 5],
    ['is learned', undefined, 5, 5],
    ['stays where nothing is said', 5, undefined, 5],
    ['stays unknown for who was here before it could be told', undefined, undefined, undefined],
  ];
  for (const [what, first, then, expected] of FROM) {
    it(`since when: ${what}`, async () => {
      await of().record([entry('p', { from: first })], { at: 100 });
      await of().record([entry('p', { from: then, practice: 'E82006' })], { at: 200, joined: 200 });
      const found = await one();
      assert.deepEqual([found?.from, found?.practice, found?.until], [expected, 'E82006', undefined]);
    });
  }

  it('says when those joined who are new and of whom nothing is said, and those who came back', async () => {
    await of().record([entry('back', { from: 5, until: 90 })], { at: 100 });
    await of().record([entry('back'), entry('new')], { at: 200, joined: 200 });
    assert.deepEqual([(await one('back'))?.from, (await one('back'))?.until], [200, undefined]);
    assert.equal((await one('new'))?.from, 200);
  });

  it('keeps when a patient was first found to have left', async () => {
    await of().record([entry('p')], { at: 100 });
    await of().record([entry('p', { until: 210 })], { at: 200 });
    await of().record([entry('p', { until: 310 })], { at: 300 });
    assert.equal((await one())?.until, 210);
  });

  it('has nobody gone who is here by the same reading, in whichever order it says so', async () => {
    const here = entry('p', { practice: 'E82006' });
    const gone = entry('p', { until: 210 });
    for (const [nth, calls] of [
      [[here], [gone]],
      [[gone], [here]],
      [[here, gone]],
      [[gone, here]],
    ].entries()) {
      const at = 200 + nth;
      for (const entries of calls) await of().record(entries, { at });
      assert.deepEqual([(await one())?.until, (await one())?.practice], [undefined, 'E82006']);
    }
  });

  it('marks those whom a reading did not have, page by page, and lists who has left', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await of().record(
      names.map((name) => entry(name)),
      { at: 100 },
    );
    await of().record([entry('b'), entry('d')], { at: 200 });
    assert.equal(await of().unread(200), 3);
    const marked: number[] = [];
    let after = '';
    for (let until = 300; ; until += 1) {
      const step = await of().markLeft({ before: 200, until, after }, 2);
      if (step.last === undefined) break;
      marked.push(step.marked);
      after = step.last;
    }
    assert.deepEqual(marked, [1, 1, 1]);
    assert.equal(await of().unread(200), 0);
    const first = await of().leavers(undefined, 2);
    assert.deepEqual(
      first.map(({ patient, until }) => [patient, until]),
      [
        ['a', 300],
        ['c', 301],
      ],
    );
    const last = first.at(-1);
    const next = await of().leavers({ until: last?.until ?? 0, patient: last?.patient ?? '' }, 2);
    assert.deepEqual(
      next.map(({ patient }) => patient),
      ['e'],
    );
    assert.deepEqual(await of().leavers({ until: 302, patient: 'e' }, 2), []);
  });

  it('has nobody leave whom a later reading had, where an earlier one ends after it', async () => {
    await of().record([entry('p')], { at: 200 });
    await of().record([entry('p')], { at: 100 });
    assert.equal(await of().unread(200), 0);
    assert.equal((await of().markLeft({ before: 200, until: 300, after: '' }, 10)).marked, 0);
  });

  it('lists those who left at one time by their digest, and misses none between pages', async () => {
    await of().record(
      ['c', 'a', 'b'].map((name) => entry(name, { until: 50 })),
      { at: 50 },
    );
    const seen: string[] = [];
    for (let page = await of().leavers(undefined, 1); page[0] !== undefined;) {
      const [{ patient }] = page as [RegisterEntry];
      seen.push(patient);
      page = await of().leavers({ until: 50, patient }, 1);
    }
    assert.deepEqual(seen, ['a', 'b', 'c']);
  });

  it('counts, and knows when it was read', async () => {
    assert.deepEqual(await of().counts(), { present: 0, left: 0, readAt: undefined, wholeAt: undefined });
    await of().record([entry('a'), entry('b'), entry('c', { until: 5 })], { at: 10 });
    await of().ended({ at: 10, isWhole: true });
    await of().ended({ at: 20, isWhole: false });
    await of().ended({ at: 15, isWhole: false });
    assert.deepEqual(await of().counts(), { present: 2, left: 1, readAt: 20, wholeAt: 10 });
  });

  it('takes many entries in one call, and none', async () => {
    const many = Array.from({ length: 1_000 }, (_, nth) => entry(`p${nth}`));
    await of().record(many, { at: 10 });
    await of().record([], { at: 10 });
    assert.equal((await of().counts()).present, 1_000);
  });
}
