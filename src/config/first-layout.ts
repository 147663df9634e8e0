import type { Layout, LeafPlace, SigningKeyPlace } from '../trust/make-files.ts';
import {
  ADMINS_AUTHORITY,
  adminName,
  VIEWERS_AUTHORITY,
  viewerKeyFile,
  viewerName,
  type FirstWords,
} from './first-files.ts';

/** A new region as far as its keys depend on it. */
export interface FirstKeys extends FirstWords {
  /** What the message key signs with. */
  readonly messageAlgorithm: 'ES256' | 'EdDSA';
  /** An authority of our own, beside the federation key, that issues both leaves at once. */
  readonly ownAuthority: boolean;
  /** DNS names of our server, besides the entity identifier, in the leaf of our own authority. */
  readonly dns: readonly string[];
  /** And its addresses. */
  readonly ip: readonly string[];
}

const TLS_AUTHORITY = 'public/ca.pem';

/** The keys and certificates of a new region, and where each lies. The keys of its authorities lie with the federation key. */
export function firstLayout(region: FirstKeys): Layout {
  const { name, ownAuthority, messageAlgorithm, admins, viewers } = region;
  const adminPlaces = admins.map(({ id }) => `admins/${id}`);
  const viewerPlaces = viewers.map((id) => `viewers/${id}`);
  const authority = (of: string, certificate: string, key: string) => ({
    ...{ name: `${name} Wayleave${of} CA`, certificate, key: `federation/${key}` },
  });
  return {
    authorities: [
      ...(ownAuthority ? [authority('', TLS_AUTHORITY, 'ca.key.pem')] : []),
      ...(admins.length > 0 ? [authority(' admins', ADMINS_AUTHORITY, 'admins-ca.key.pem')] : []),
      ...(viewers.length > 0 ? [authority(' viewers', VIEWERS_AUTHORITY, 'viewers-ca.key.pem')] : []),
    ],
    leaves: [
      ...(ownAuthority ? [brokerLeaf('server', region), brokerLeaf('client', region)] : []),
      ...admins.map(({ id }) => partyLeaf('admins', id, adminName(region.entity, id), ADMINS_AUTHORITY)),
      ...viewers.map((id) => partyLeaf('viewers', id, viewerName(region.entity, id), VIEWERS_AUTHORITY)),
    ],
    signingKeys: [
      {
        algorithm: 'EdDSA',
        private: 'federation/federation.jwk.json',
        public: 'public/federation.jwks.json',
        form: 'jwks',
      },
      brokerKey('message', messageAlgorithm),
      brokerKey('log', 'EdDSA'),
      brokerKey('witness', 'EdDSA'),
      ...viewers.map((id): SigningKeyPlace => ({
        algorithm: 'ES256',
        private: `viewers/${id}/viewer.jwk.json`,
        public: viewerKeyFile(id),
        form: 'jwk',
      })),
    ],
    secrets: ['cursor.key', 'paging.key', 'patient-digest.key', 'audit.keys', 'trust.key'].map(
      (file) => `private/${file}`,
    ),
    copies: ownAuthority
      ? [...adminPlaces, ...viewerPlaces].map((to) => ({ from: TLS_AUTHORITY, to: `${to}/broker-ca.pem` }))
      : [],
  };
}

function brokerLeaf(usage: 'server' | 'client', { region, entity, dns, ip }: FirstKeys): LeafPlace {
  return {
    issuer: TLS_AUTHORITY,
    certificate: `public/tls-${usage}.pem`,
    key: `private/tls-${usage}.key.pem`,
    commonName: `${region} TLS ${usage}`,
    uri: entity,
    usage,
    ...(usage === 'server' ? { dns, ip } : {}),
  };
}

/** What one admin or one platform holds of its own. */
function partyLeaf(kind: string, id: string, uri: string, issuer: string): LeafPlace {
  const place = `${kind}/${id}`;
  const files = { certificate: `${place}/client.pem`, key: `${place}/client.key.pem` };
  return { issuer, ...files, commonName: id, uri, usage: 'client' };
}

function brokerKey(
  purpose: 'message' | 'log' | 'witness',
  algorithm: SigningKeyPlace['algorithm'],
): SigningKeyPlace {
  const file = `${purpose}.jwk.json`;
  return { algorithm, private: `private/${file}`, public: `public/${file}`, form: 'jwk' };
}
