import { createHmac } from 'node:crypto';

import type { KeptDecision } from '../trust/decisions.ts';
import { isSameSeal } from './same-seal.ts';

/** What stands in the place of a seal before the first decision: a chain is one region's. */
export function firstSeal(entity: string): string {
  return `wayleave-register ${entity}`;
}

/**
 * HMAC-SHA-256 over a decision on trust and the seal before it, base64url: who can write to the store and has not the
 * secrets can neither add a decision, nor change one, nor take one out between others.
 */
export function sealDecision(key: Buffer, before: string, one: KeptDecision): string {
  const { sequence, at, kind, region, by, exchange, detail } = one;
  const text = JSON.stringify([
    'wayleave-decision',
    before,
    sequence,
    at,
    kind,
    region,
    by,
    exchange,
    detail,
  ]);
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** True when each is numbered after the one before it and sealed by the key. @param before seal and sequence of the last known one */
export function areSealed(
  key: Buffer,
  before: { readonly sequence: number; readonly seal: string },
  decisions: readonly (KeptDecision & { readonly seal: string })[],
): boolean {
  let last = before;
  return decisions.every((one) => {
    const holds =
      one.sequence === last.sequence + 1 && isSameSeal(sealDecision(key, last.seal, one), one.seal);
    last = one;
    return holds;
  });
}
