import type { Resource } from '../../fhir/resource.ts';
import type { Definitions } from './definitions.ts';

/** `GET metadata`: what this server can do, and nothing that it cannot. `date` is when the server started. */
export function capabilityStatement(base: string, definitions: Definitions, date: Date): Resource {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: date.toISOString(),
    kind: 'instance',
    implementation: { description: 'A regional shared care record with synthetic patients', url: base },
    fhirVersion: '4.0.1',
    format: ['json'],
    rest: [{ mode: 'server', resource: [...definitions.entries()].map(describeType) }],
  };
}

function describeType([type, parameters]: [
  string,
  ReadonlyMap<string, { name: string; type: string }>,
]): object {
  const references = [...parameters.values()].filter((parameter) => parameter.type === 'reference');
  return {
    type,
    interaction: [{ code: 'read' }, { code: 'search-type' }],
    versioning: 'no-version',
    searchInclude: references.map((parameter) => `${type}:${parameter.name}`),
    searchParam: [...parameters.values()].map(({ name, type: kind }) => ({ name, type: kind })),
  };
}
