import assert from 'node:assert/strict';

import { isBundle, isDeeperThan, isResource } from '../../src/fhir/resource.ts';

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

describe('what passes for a FHIR resource', () => {
  const RESOURCES: Record<string, unknown> = {
    'a type alone': { resourceType: 'Condition' },
    'an id, labels and tags': {
      resourceType: 'Condition',
      id: 'c1',
      meta: { security: [{ code: 'R' }], tag: [{ system: 'https://example.org', code: 'x' }] },
    },
    'an empty meta': { resourceType: 'Condition', meta: {} },
    'anything else in it': { resourceType: 'Condition', code: 5, subject: null },
  };
  for (const [what, value] of Object.entries(RESOURCES)) {
    it(`is ${what}`, () => assert.ok(isResource(value)));
  }

  const NONE: Record<string, unknown> = {
    nothing: undefined,
    null: null,
    'a list': [{ resourceType: 'Condition' }],
    'a text': 'Condition',
    'an object without a type': { id: 'c1' },
    'a type that is no text': { resourceType: 5 },
    'an id that is no text': { resourceType: 'Condition', id: 5 },
    'no meta but null': { resourceType: 'Condition', meta: null },
    'a list of metas': { resourceType: 'Condition', meta: [] },
    'tags that are no list': { resourceType: 'Condition', meta: { tag: { code: 'x' } } },
    'a tag that is nothing': { resourceType: 'Condition', meta: { tag: [null] } },
    'a label that is a text': { resourceType: 'Condition', meta: { security: ['R'] } },
    'labels that are no list': { resourceType: 'Condition', meta: { security: 'R' } },
  };
  for (const [what, value] of Object.entries(NONE)) {
    it(`is not ${what}`, () => assert.ok(!isResource(value)));
  }
});

describe('what passes for a Bundle', () => {
  const resource = { resourceType: 'Condition', id: 'c1' };
  it('has entries that each hold a resource, or none', () => {
    for (const entry of [undefined, [], [{ resource }], [{ resource }, { fullUrl: 'x', resource }]]) {
      assert.ok(isBundle({ resourceType: 'Bundle', type: 'searchset', entry }));
    }
  });
  it('has no entry without a resource, and no entries but a list', () => {
    for (const entry of [null, {}, 'x', [null], [{}], [resource], [{ resource: null }], [{ resource: [] }]]) {
      assert.ok(!isBundle({ resourceType: 'Bundle', type: 'searchset', entry }));
    }
    assert.ok(!isBundle({ resourceType: 'Condition', entry: [] }));
  });
});

describe('how deep JSON nests', () => {
  it('is counted in levels of objects and lists', () => {
    for (const flat of [5, 'text', null, undefined, true]) assert.ok(!isDeeperThan(0, flat));
    assert.ok(isDeeperThan(0, []) && isDeeperThan(0, {}));
    assert.ok(!isDeeperThan(1, { a: 1, b: 'x' }) && isDeeperThan(1, { a: 1, b: [] }));
    assert.ok(!isDeeperThan(200, nested(200)) && isDeeperThan(200, nested(201)));
  });
  it('is told of what is far too deep without going there', () => {
    assert.ok(isDeeperThan(200, nested(500_000)));
  });
});
