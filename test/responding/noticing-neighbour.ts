import { randomUUID, X509Certificate } from 'node:crypto';

import type { RegionId } from '../../src/demo/places.ts';
import { TYP } from '../../src/evidence/claims.ts';
import type { Signer } from '../../src/evidence/keys.ts';
import { signingInputDigest, signMessage } from '../../src/evidence/message.ts';
import { RECEIPT, type ReceiptClaims } from '../../src/evidence/notice.ts';
import { pinnedNeighbours } from '../../src/evidence/pinned-neighbours.ts';
import { RESPONSE_HEADER, verifyAnswer } from '../../src/evidence/response.ts';
import { nhsNumberToken } from '../../src/fhir/nhs-number.ts';
import { Neighbours } from '../../src/trust/neighbours.ts';
import { thumbprintOf, uriNames } from '../../src/trust/peer-certificate.ts';
import type { TestFederation } from '../support/federation.ts';
import { TestNeighbour, type NeighbourRequest } from '../support/neighbour.ts';
import type { Reply } from '../support/viewer.ts';

export type Change = Readonly<Record<string, unknown>>;

export const held = (nhsNumber: string) => ({ patient: nhsNumberToken(nhsNumber), kind: 'held' });
export const handover = (nhsNumber: string, ...regions: string[]) => ({
  ...{ patient: nhsNumberToken(nhsNumber), kind: 'handover', regions },
});

/** One region's keys in the hands of a test, which sends notices to another's true broker. */
export class NoticingNeighbour {
  readonly #federation: TestFederation;
  readonly #from: RegionId;
  readonly #to: RegionId;
  readonly neighbour: TestNeighbour;

  constructor(federation: TestFederation, from: RegionId, to: RegionId) {
    this.#federation = federation;
    this.#from = from;
    this.#to = to;
    this.neighbour = new TestNeighbour(federation, from);
  }

  /** A good notice of these items, with claims changed. */
  async token(
    items: readonly unknown[],
    change: Change = {},
    { typ = TYP.notice, signer }: { typ?: string; signer?: Signer } = {},
  ): Promise<string> {
    const iat = Math.floor(Date.now() / 1000);
    const { cert = '' } = this.neighbour.tls(this.#to);
    const claims: Record<string, unknown> = {
      ...{ iss: this.#federation.config(this.#from).entity, aud: this.#federation.config(this.#to).entity },
      ...{ iat, exp: iat + 60, jti: randomUUID(), stmt: 1 },
      ...{ cnf: { 'x5t#S256': thumbprintOf(new X509Certificate(cert)) }, items },
      ...change,
    };
    for (const [name, value] of Object.entries(claims)) if (value === undefined) delete claims[name];
    return signMessage(signer ?? (await this.neighbour.signer()), typ, claims).token;
  }

  send(token: unknown, request: NeighbourRequest = {}): Promise<Reply> {
    const body = JSON.stringify({ notice: token });
    return this.neighbour.send(this.#to, undefined, { path: '/federation/v1/notices', body, ...request });
  }

  /** Sends a good notice. @returns the reply, and the receipt as its sender believes it */
  async tell(
    items: readonly unknown[],
    change: Change = {},
  ): Promise<{ reply: Reply; receipt: ReceiptClaims }> {
    const token = await this.token(items, change);
    const reply = await this.send(token);
    return { reply, receipt: await this.believed(reply, token) };
  }

  async believed(reply: Reply, token: string): Promise<ReceiptClaims> {
    const sender = this.#federation.config(this.#from);
    const receiver = this.#federation.config(this.#to);
    const neighbours = new Neighbours(await pinnedNeighbours(sender.neighbours, Date.now()));
    const leaf = new X509Certificate(receiver.serverCertificate);
    const names = { thumbprint: thumbprintOf(leaf), uris: uriNames(leaf.subjectAltName) };
    const peer = neighbours.identify({ leaf, issuers: [], ...names }, 'server', Date.now());
    const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      jti: string;
    };
    const asked = {
      ...{ token, jti, digest: signingInputDigest(token), audience: receiver.entity },
      claims: { iss: sender.entity },
    };
    const came = {
      token: reply.headers[RESPONSE_HEADER],
      body: Buffer.from(reply.text),
      status: reply.status,
    };
    return (await verifyAnswer(RECEIPT, { ...came, peer }, asked, neighbours, Date.now())).claims;
  }
}
