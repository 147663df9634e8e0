import { isObject, type Resource } from '../../fhir/resource.ts';
import { COMPARE_RANGES, dateRange, splitPrefix } from './dates.ts';
import { splitEscaped, unescaped, type Filter } from './query.ts';
import { Refusal } from './refusal.ts';
import type { RecordStore } from './store.ts';
import { amountsIn, rangesIn, referenceIn, stringsIn, tokensIn, wordsIn, type Token } from './values.ts';

export type Test = (resource: Resource) => boolean;
/** A test of all the values that a resource holds at the parameter's elements. */
type HeldTest = (held: readonly unknown[]) => boolean;

/**
 * The test that a resource passes when it satisfies the condition, by the rules of FHIR R4 search (3.1.1.4).
 *
 * @throws Refusal 400 when the modifier or a value does not fit the kind of parameter, whatever is held
 */
export function testOf(filter: Filter, store: RecordStore): Test {
  const test = filter.chain === undefined ? heldTest(filter, store) : chainTest(filter.chain, store);
  return (resource) => test(filter.parameter.valuesIn(resource));
}

function chainTest(chain: ReadonlyMap<string, Filter>, store: RecordStore): HeldTest {
  const tests = new Map([...chain].map(([type, filter]) => [type, testOf(filter, store)]));
  return (held) =>
    held.some((value) => {
      const [type = '', id = ''] = store.normalised(referenceIn(value) ?? '').split('/');
      const target = store.get(type, id);
      return target !== undefined && tests.get(type)?.(target) === true;
    });
}

function heldTest(filter: Filter, store: RecordStore): HeldTest {
  if (filter.modifier === 'missing') return missingTest(filter);
  if (filter.modifier === 'not' && filter.parameter.type === 'token') {
    const test = anyOf(filter, tokenTest, store);
    return (held) => !test(held);
  }
  return anyOf(filter, VALUE_TESTS[filter.parameter.type], store);
}

function missingTest(filter: Filter): HeldTest {
  const [value = '', ...more] = filter.values;
  if (more.length > 0 || !['true', 'false'].includes(value)) throw unreadable(filter);
  return (held) => (held.length === 0) === (value === 'true');
}

type ValueTest = (filter: Filter, value: string, store: RecordStore) => HeldTest;

function anyOf(filter: Filter, make: ValueTest, store: RecordStore): HeldTest {
  const tests = filter.values.map((value) => make(filter, value, store));
  return (held) => tests.some((test) => test(held));
}

const VALUE_TESTS: Record<Filter['parameter']['type'], ValueTest> = {
  token: (filter, value) => (filter.modifier === 'text' ? wordTest(value) : tokenTest(plain(filter), value)),
  string: stringTest,
  reference: referenceTest,
  date: dateTest,
  quantity: amountTest,
  number: amountTest,
  uri: (filter, value) => {
    plain(filter);
    return (held) => held.includes(unescaped(value));
  },
};

function tokenTest(_filter: Filter, value: string): HeldTest {
  const test = oneTokenTest(value);
  return (held) => held.flatMap(tokensIn).some(test);
}

function oneTokenTest(value: string): (token: Token) => boolean {
  const [first = '', second] = splitEscaped(value, '|').map(unescaped);
  if (second === undefined) return (token) => token.code === first;
  if (first === '') return (token) => token.system === undefined && token.code === second;
  return (token) => token.system === first && (second === '' || token.code === second);
}

function wordTest(value: string): HeldTest {
  const wanted = folded(unescaped(value));
  return (held) => held.flatMap(wordsIn).some((word) => folded(word).startsWith(wanted));
}

function stringTest(filter: Filter, value: string): HeldTest {
  const wanted = unescaped(value);
  if (filter.modifier === 'exact') return (held) => held.flatMap(stringsIn).includes(wanted);
  const part = folded(wanted);
  if (filter.modifier === 'contains') {
    return (held) => held.flatMap(stringsIn).some((text) => folded(text).includes(part));
  }
  plain(filter);
  return (held) => held.flatMap(stringsIn).some((text) => folded(text).startsWith(part));
}

/** FHIR's string search takes no notice of case and accents. */
function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

function referenceTest(filter: Filter, value: string, store: RecordStore): HeldTest {
  if (filter.modifier === 'identifier') {
    const test = oneTokenTest(value);
    return (held) => held.some((item) => isObject(item) && tokensIn(item['identifier']).some(test));
  }
  const wanted = wantedReferences(filter, value, store);
  return (held) => held.some((item) => wanted.includes(store.normalised(referenceIn(item) ?? '')));
}

/** The references that a value stands for: a bare id may be of any type that the parameter allows. */
export function wantedReferences(filter: Filter, value: string, store: RecordStore): string[] {
  const { modifier, parameter } = filter;
  if (modifier !== undefined && !parameter.targets.includes(modifier)) plain(filter);
  const text = unescaped(value);
  if (text.includes('/')) {
    const reference = store.normalised(text);
    return modifier === undefined || reference.startsWith(`${modifier}/`) ? [reference] : [];
  }
  return (modifier === undefined ? parameter.targets : [modifier]).map((type) => `${type}/${text}`);
}

function dateTest(filter: Filter, value: string): HeldTest {
  const [prefix, text] = splitPrefix(value);
  const searched = dateRange(text);
  if (searched === undefined) throw unreadable(plain(filter));
  plain(filter);
  return (held) => held.flatMap(rangesIn).some((range) => COMPARE_RANGES[prefix](range, searched));
}

function amountTest(filter: Filter, value: string): HeldTest {
  const [number = '', system = '', unit = ''] = splitEscaped(value, '|').map(unescaped);
  const [prefix, text] = splitPrefix(number);
  const written = /^[+-]?\d+(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (written === null) throw unreadable(plain(filter));
  plain(filter);
  // A number is searched to the precision it is written in: 5.4 means 5.35 to 5.45 (3.1.1.4.6).
  const precise = prefix !== 'eq' && prefix !== 'ne';
  const half = precise ? 0 : 0.5 * 10 ** (Number(written[2] ?? 0) - (written[1] ?? '').length);
  const searched = { start: Number(text) - half, end: Number(text) + half };
  return (held) =>
    held
      .flatMap(amountsIn)
      .filter((amount) => unit === '' || amount.units.includes(unit))
      .filter((amount) => system === '' || amount.system === system)
      .some((amount) => COMPARE_RANGES[prefix]({ start: amount.value, end: amount.value }, searched));
}

function plain(filter: Filter): Filter {
  if (filter.modifier === undefined) return filter;
  throw new Refusal(400, 'not-supported', `That modifier is not supported on ${filter.parameter.name}.`);
}

function unreadable(filter: Filter): Refusal {
  return new Refusal(400, 'invalid', `The value of ${filter.parameter.name} cannot be read.`);
}
