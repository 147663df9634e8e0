/**
 * The service base of one regional record: the same path below the entity identifier on the wire, and below
 * the broker's own address for its viewers. Resources of two records may have the same ids; bases keep them apart.
 */
export function recordBase(root: string, region: string, record: string): string {
  return `${root}/regions/${region}/${record}/fhir`;
}
