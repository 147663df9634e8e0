import { RequestError } from '../errors.ts';
import { dnsNames, type PeerCertificate } from './peer-certificate.ts';

/** What a party may be known by: its identifier, and the host names that its approved statement lists. */
export interface Named {
  readonly entity: string;
  /** Lower case, no wildcards. */
  readonly hosts: readonly string[];
}

/** The one URI name that a certificate speaks for. @throws RequestError `certificate-name` if not one */
export function oneName(peer: PeerCertificate): string {
  const [uri, ...others] = peer.uris ?? [];
  if (uri === undefined || others.length > 0) throw new RequestError('certificate-name', 'one URI name');
  return uri;
}

/**
 * Whom a certificate names: the party whose identifier is its one URI name. A certificate of a PKI that names hosts
 * only has none, and names the one party that lists its host names. Names that lead to two parties name nobody.
 *
 * @throws RequestError `certificate-name` if the names are not of these forms or lead to two parties;
 *   `certificate-unknown` if they are nobody's
 */
export function whomItNames<Party extends Named>(peer: PeerCertificate, parties: readonly Party[]): Party {
  const hosts = dnsNames(peer.leaf.subjectAltName);
  if (peer.uris === undefined || hosts === undefined) {
    throw new RequestError('certificate-name', 'names that cannot be read');
  }
  const byHost = parties.filter((party) => party.hosts.some((host) => hosts.includes(host)));
  if (peer.uris.length === 0 && hosts.length > 0) {
    const [party, ...others] = byHost;
    if (others.length > 0) throw new RequestError('certificate-name', 'a host of two neighbours');
    if (party === undefined) throw new RequestError('certificate-unknown', 'no such host');
    return party;
  }
  const uri = oneName(peer);
  const party = parties.find(({ entity }) => entity === uri);
  if (party === undefined) throw new RequestError('certificate-unknown', 'no such neighbour');
  if (byHost.some((other) => other !== party)) {
    throw new RequestError('certificate-name', "another neighbour's host");
  }
  return party;
}
