import type { Definitions, SearchParameter } from './definitions.ts';
import { Refusal } from './refusal.ts';

export const DEFAULT_COUNT = 50;
export const LARGEST_COUNT = 500;

/** One search condition: the resource must satisfy one of `values` (they were joined by commas). */
export interface Filter {
  readonly parameter: SearchParameter;
  readonly modifier: string | undefined;
  readonly values: readonly string[];
  /** For a chain (`patient.identifier=`): the condition on the resource referred to, by its type. */
  readonly chain: ReadonlyMap<string, Filter> | undefined;
}

export interface Include {
  readonly parameter: SearchParameter;
  readonly target: string | undefined;
}

export interface Query {
  readonly type: string;
  readonly filters: readonly Filter[];
  readonly sort: readonly { parameter: SearchParameter; descending: boolean }[];
  readonly includes: readonly Include[];
  readonly count: number;
  readonly offset: number;
  /** What the caller sent, without the page position: the links are built from it. */
  readonly given: readonly [string, string][];
}

const PAGING = ['_count', '_offset'];
/** Taken and of no effect: this server always gives JSON, an exact total and whole resources. */
const IGNORED: Record<string, readonly string[]> = {
  _format: ['json', 'application/json', 'application/fhir+json', 'application/fhir json'],
  _pretty: ['true', 'false'],
  _total: ['none', 'estimate', 'accurate'],
  _summary: ['false'],
};

/**
 * Reads a search. FHIR lets a server ignore what it does not know; this one never does, because a parameter
 * that is ignored returns other patients.
 *
 * @throws Refusal 400 for a parameter, modifier or value that is not understood; 404 for an unknown type
 */
export function parseQuery(definitions: Definitions, type: string, pairs: Iterable<[string, string]>): Query {
  const parameters = parametersOf(definitions, type);
  const given = [...pairs];
  const filters: Filter[] = [];
  const sort: { parameter: SearchParameter; descending: boolean }[] = [];
  const includes: Include[] = [];
  let count = DEFAULT_COUNT;
  let offset = 0;
  for (const [name, value] of given) {
    if (name === '_count') count = Math.min(wholeNumber(name, value), LARGEST_COUNT);
    else if (name === '_offset') offset = wholeNumber(name, value);
    else if (name === '_summary' && value === 'count') count = 0;
    else if (name === '_sort') sort.push(...sortRules(parameters, value));
    else if (name === '_include') includes.push(...includesOf(type, parameters, value));
    else if (IGNORED[name]?.includes(value)) continue;
    else filters.push(filterOf(definitions, parameters, name, value));
  }
  return {
    type,
    filters,
    sort,
    includes,
    count,
    offset,
    given: given.filter(([name]) => !PAGING.includes(name)),
  };
}

export function parametersOf(definitions: Definitions, type: string): ReadonlyMap<string, SearchParameter> {
  const parameters = definitions.get(type);
  if (parameters === undefined) throw new Refusal(404, 'not-supported', 'Not a resource type of FHIR R4.');
  return parameters;
}

function filterOf(
  definitions: Definitions,
  parameters: ReadonlyMap<string, SearchParameter>,
  key: string,
  text: string,
): Filter {
  const dot = key.indexOf('.');
  const [name = '', modifier, ...more] = (dot < 0 ? key : key.slice(0, dot)).split(':');
  const parameter = parameters.get(name);
  if (parameter === undefined || more.length > 0)
    throw new Refusal(400, 'not-supported', 'Unknown search parameter.');
  if (text === '') throw new Refusal(400, 'invalid', `The search parameter ${name} has no value.`);
  if (dot < 0) return { parameter, modifier, values: splitEscaped(text, ','), chain: undefined };
  const types = modifier === undefined ? parameter.targets : [modifier];
  const chain = new Map<string, Filter>();
  for (const type of types.filter((candidate) =>
    definitions.get(candidate)?.has(firstName(key.slice(dot + 1))),
  )) {
    chain.set(type, filterOf(definitions, parametersOf(definitions, type), key.slice(dot + 1), text));
  }
  if (parameter.type !== 'reference' || chain.size === 0) {
    throw new Refusal(400, 'not-supported', `The search parameter ${name} cannot be chained so.`);
  }
  return { parameter, modifier: undefined, values: [], chain };
}

function firstName(key: string): string {
  return /^[^.:]*/.exec(key)?.[0] ?? '';
}

function sortRules(
  parameters: ReadonlyMap<string, SearchParameter>,
  value: string,
): { parameter: SearchParameter; descending: boolean }[] {
  return value.split(',').map((rule) => {
    const parameter = parameters.get(rule.replace(/^-/, ''));
    if (parameter === undefined || parameter.type === 'reference') {
      throw new Refusal(400, 'not-supported', 'Cannot sort by that parameter.');
    }
    return { parameter, descending: rule.startsWith('-') };
  });
}

function includesOf(
  type: string,
  parameters: ReadonlyMap<string, SearchParameter>,
  value: string,
): Include[] {
  const [from, name = '', target] = value.split(':');
  const named = name === '*' ? [...parameters.values()] : [parameters.get(name)];
  const found = named.filter((parameter) => parameter?.type === 'reference');
  if (from !== type || found.length === 0) throw new Refusal(400, 'not-supported', 'Cannot include that.');
  return found.map((parameter) => ({ parameter: parameter as SearchParameter, target }));
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new Refusal(400, 'invalid', `${name} must be a whole number.`);
  return Number(value);
}

/** Splits at `separator` where no backslash stands before it; what was escaped stays escaped. */
export function splitEscaped(text: string, separator: ',' | '|'): string[] {
  return text.split(separator === ',' ? /(?<!\\),/ : /(?<!\\)\|/);
}

export function unescaped(text: string): string {
  return text.replace(/\\([,|$\\])/g, '$1');
}
