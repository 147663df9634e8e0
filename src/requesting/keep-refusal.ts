import type { AuditTrail } from '../audit/trail.ts';
import { RequestError } from '../errors.ts';
import { fromNhsNumberToken } from '../fhir/nhs-number.ts';
import { ViewerRefusal } from './authenticate-viewer.ts';

/**
 * Hands on what `authenticate` gives. A refusal is in the audit before it goes on: with who asked, once that is
 * proved, and before as a count.
 */
export async function keepingRefusals<Proved>(
  audit: AuditTrail,
  exchange: string,
  authenticate: () => Promise<Proved>,
): Promise<Proved> {
  try {
    return await authenticate();
  } catch (error) {
    if (error instanceof ViewerRefusal) await keepRefusal(error, exchange, audit);
    else if (error instanceof RequestError) await audit.countRefusal(`viewer-${error.code}`);
    throw error;
  }
}

function keepRefusal({ claims, code }: ViewerRefusal, exchange: string, audit: AuditTrail): Promise<void> {
  const asking = {
    exchange,
    nhsNumber: fromNhsNumberToken(claims.patient),
    organisation: claims.requesting_organization,
    user: claims.requesting_user,
    role: claims.requesting_user_role,
    purpose: claims.reason_for_request,
  };
  return audit.viewerRefused(asking, code);
}
