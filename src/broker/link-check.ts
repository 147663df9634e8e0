import type { Config } from '../config/load.ts';
import type { Secrets } from '../config/secrets.ts';
import { ownStatement, type Pin } from '../evidence/pinned-neighbours.ts';
import { senderAs } from '../evidence/sender.ts';
import type { Neighbour, Neighbours } from '../trust/neighbours.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import { checkNeighbour } from '../upstream/check/check-neighbour.ts';
import { judgeOwn, ourselves } from '../upstream/check/own-certificate.ts';
import type { Found, Step } from '../upstream/check/step.ts';
import { ownNames } from './own-names.ts';

/** Checks of our links, in a broker's name and beside it: nothing of the broker's is touched. */
export interface LinkChecks {
  readonly regions: readonly string[];
  /** @param client in the place of the certificate that is in use. @throws TypeError for a region that is no neighbour */
  check(region: string, client?: TlsIdentity, told?: (step: Step) => void): Promise<readonly Step[]>;
  /** What a certificate is for, and whether a neighbour that has our statement would take it. Nothing is connected to. */
  judge(identity: TlsIdentity, role: 'client' | 'server'): Found<TlsIdentity>;
}

/** Whom the checks trust, where that is not as the configuration's files say. */
export interface LinkCheckOptions {
  readonly pins?: readonly (Pin & { readonly timeout_ms: number })[];
  /** How the certificates of a neighbour are judged, where more than its statement and anchors counts. */
  readonly judging?: (neighbour: Neighbour) => Neighbours;
  readonly now?: () => number;
}

/** @throws StartError when our own statement does not vouch for our own keys */
export async function openLinkChecks(
  config: Config,
  secrets: Secrets,
  { pins = config.neighbours, judging, now = Date.now }: LinkCheckOptions = {},
): Promise<LinkChecks> {
  const names = await ownNames(config, secrets);
  const { metadata } = await ownStatement(config, names, now());
  const own = metadata.wayleave_broker;
  const inUse: TlsIdentity = { certificate: config.clientCertificate, key: secrets.tlsClientKey };
  const listening: TlsIdentity = { certificate: config.serverCertificate, key: secrets.tlsServerKey };
  const { entity } = config;
  return {
    regions: pins.map(({ region }) => region),
    check: (region, client = inUse, told = () => undefined) => {
      const pin = pins.find((one) => one.region === region);
      if (pin === undefined) throw new TypeError(`${region} is no neighbour`);
      const senderWith = (identity: TlsIdentity) =>
        senderAs(identity, entity, names.messageKey, own.sequence);
      // A certificate that is only tried says nothing of the one in use.
      const server = client === inUse ? listening : undefined;
      const ends = { pin, judging, entity, own, client, server, senderWith, now, stepMs: pin.timeout_ms };
      return checkNeighbour(ends, told);
    },
    judge: (identity, role) => judgeOwn(identity, ourselves(entity, own), role, now()),
  };
}
