import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** SHA-256 as base64url, the form of every digest on the wire. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('base64url');
}

/** The digest of a resource's canonical JSON (RFC 8785), the same however its members were ordered. */
export function resourceDigest(resource: object): string {
  return sha256(canonicalize(resource) ?? '');
}

/** `resources_digest`: over the JSON list of each resource's digest, in the order of the Bundle. */
export function resourcesDigest(digests: readonly string[]): string {
  return sha256(JSON.stringify(digests));
}
