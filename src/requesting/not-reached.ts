import { DeliveryError, EvidenceError } from '../errors.ts';
import type { Reason } from '../fhir/codes.ts';

/** Why there was no answer that can be used, by what went wrong: a class, never a detail. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof EvidenceError) return 'not-believed';
  if (!(error instanceof DeliveryError)) return 'fault';
  switch (error.code) {
    case 'timeout':
    case 'connect-timeout':
    case 'cancelled':
      return 'timeout';
    case 'circuit-open':
      return 'circuit-open';
    case 'left-alone':
      return 'throttled';
    case 'bulkhead-full':
    case 'peer-throttled':
      return 'busy';
    case 'peer-refused':
      return 'refused';
    default:
      return 'fault';
  }
}
