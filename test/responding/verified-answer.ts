import { X509Certificate } from 'node:crypto';

import { signingInputDigest } from '../../src/evidence/message.ts';
import { pinnedNeighbours } from '../../src/evidence/pinned-neighbours.ts';
import {
  RESPONSE_HEADER,
  verifyAnswer,
  type AnswerClaims,
  type AnswerKind,
} from '../../src/evidence/response.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { Neighbours } from '../../src/trust/neighbours.ts';
import { thumbprintOf, uriNames } from '../../src/trust/peer-certificate.ts';
import type { TestFederation } from '../support/federation.ts';
import type { Reply } from '../support/viewer.ts';

/** The claims of an answer, believed as the broker of `from` believes what `to` says. */
export async function verifiedAnswer<Claims extends AnswerClaims>(
  kind: AnswerKind<Claims>,
  federation: TestFederation,
  ends: { readonly from: RegionId; readonly to: RegionId },
  token: string,
  reply: Reply,
): Promise<Claims> {
  const asker = federation.config(ends.from);
  const responder = federation.config(ends.to);
  const neighbours = new Neighbours(await pinnedNeighbours(asker.neighbours, Date.now()));
  const leaf = new X509Certificate(responder.serverCertificate);
  const certificate = {
    ...{ leaf, issuers: [], thumbprint: thumbprintOf(leaf) },
    uris: uriNames(leaf.subjectAltName),
  };
  const peer = neighbours.identify(certificate, 'server', Date.now());
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  const { jti } = JSON.parse(payload) as { jti: string };
  const asked = {
    ...{ token, jti, digest: signingInputDigest(token), audience: responder.entity },
    claims: { iss: asker.entity },
  };
  const came = {
    ...{ token: reply.headers[RESPONSE_HEADER], body: Buffer.from(reply.text), peer },
    status: reply.status,
  };
  return (await verifyAnswer(kind, came, asked, neighbours, Date.now())).claims;
}
