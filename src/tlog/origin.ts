/**
 * The origin of one of a region's logs (C2SP tlog-checkpoint): its entity identifier without the scheme, `/log/`, and
 * the replica that writes it. It is the name of the key as well that signs the log's checkpoints.
 */
export function logOrigin(entity: string, replica: string): string {
  return `${nameOf(entity)}/log/${replica}`;
}

/** The name that a region cosigns under as a witness (C2SP tlog-cosignature). */
export function witnessName(entity: string): string {
  return `${nameOf(entity)}/witness`;
}

function nameOf(entity: string): string {
  const { host, pathname } = new URL(entity);
  return `${host}${pathname === '/' ? '' : pathname}`;
}
