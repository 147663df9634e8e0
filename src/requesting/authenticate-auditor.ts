import type { TLSSocket } from 'node:tls';

import type { ViewerClaims } from '../evidence/viewer-token.ts';
import { fromNhsNumberToken } from '../fhir/nhs-number.ts';
import type { Viewer } from '../trust/viewers.ts';
import { checkAsker, proveViewer, ViewerRefusal, type Door } from './authenticate-viewer.ts';

declare const auditor: unique symbol;
/** A person who may read the audit: of one patient, or of anyone. */
export interface AuthenticatedAuditor {
  readonly viewer: Viewer;
  readonly claims: ViewerClaims;
  /** SDS job role code. */
  readonly role: string;
  /** Undefined when the token says that it is for any patient, and the role may ask so. */
  readonly nhsNumber: string | undefined;
  readonly [auditor]: true;
}

/** No token is good for a record and for the audit both. */
const PURPOSES = new Set(['audit']);
/** The token's `patient` of one who names none. */
const ANY_PATIENT = '*';

/**
 * As every viewer is authenticated, and then: the purpose is `audit`, and the registration lists the role as one that
 * may read the audit.
 *
 * @throws RequestError with one code per check, ViewerRefusal once the signature was good
 */
export async function authenticateAuditor(
  authorization: string | undefined,
  socket: TLSSocket,
  binding: 'certificate' | 'single-use',
  door: Door,
  now: number,
): Promise<AuthenticatedAuditor> {
  const { viewer, verified } = await proveViewer(authorization, socket, binding, door, now);
  const { claims } = verified;
  const role = checkAsker(claims, viewer, PURPOSES);
  const { one_patient: one, any_patient: any } = viewer.auditors;
  const wantsAny = claims.patient === ANY_PATIENT;
  const mayAsk = any.includes(role) || (!wantsAny && one.includes(role));
  if (!mayAsk) throw new ViewerRefusal('role-refused', claims, 'auditors');
  const nhsNumber = fromNhsNumberToken(claims.patient);
  if (nhsNumber === undefined && !wantsAny)
    throw new ViewerRefusal('bad-nhs-number', claims, 'patient of the token');
  const proved: Omit<AuthenticatedAuditor, typeof auditor> = { viewer, claims, role, nhsNumber };
  return proved as AuthenticatedAuditor;
}
