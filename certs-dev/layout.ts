import type { Layout, LeafPlace, SigningKeyPlace } from '../src/trust/make-files.ts';
import type { SigningAlgorithm } from '../src/trust/signing-key.ts';
import type { DevelopmentRegion, DevelopmentViewer } from './federation.ts';
import { adminIdentifier, ADMINS, entityIdentifier, viewerIdentifier } from './federation.ts';

export type { Layout, SigningKeyPlace };

/** Directories that only their owner may enter. Every private key and secret is also mode 0600 by itself. */
export const CLOSED_DIRECTORIES: readonly string[] = ['private', 'offline'];

export const TLS_AUTHORITY = { certificate: 'public/ca.pem', key: 'offline/ca.key.pem' };

const VIEWERS_AUTHORITY = { certificate: 'viewers/ca.pem', key: 'offline/viewers-ca.key.pem' };

const ADMINS_AUTHORITY = { certificate: 'admins/ca.pem', key: 'offline/admins-ca.key.pem' };

/** Everything that a region has, and where. What is made and what is checked both follow this table. */
export function regionLayout(region: DevelopmentRegion, viewers: readonly DevelopmentViewer[]): Layout {
  const own = viewers.filter((viewer) => viewer.region === region.id);
  return {
    authorities: [
      { name: `Wayleave development CA: ${region.id}`, ...TLS_AUTHORITY },
      { name: `Wayleave development viewers CA: ${region.id}`, ...VIEWERS_AUTHORITY },
      { name: `Wayleave development admins CA: ${region.id}`, ...ADMINS_AUTHORITY },
    ],
    leaves: [
      brokerLeaf(region, 'server'),
      brokerLeaf(region, 'client'),
      ...own.map(viewerLeaf),
      ...ADMINS.map((admin) => adminLeaf(region, admin)),
    ],
    signingKeys: [
      {
        algorithm: 'EdDSA',
        private: 'offline/federation.jwk.json',
        public: 'public/federation.jwks.json',
        form: 'jwks',
      },
      brokerKey('message', region.messageAlgorithm),
      brokerKey('log', 'EdDSA'),
      brokerKey('witness', 'EdDSA'),
      ...own.map(viewerKey),
    ],
    secrets: ['cursor.key', 'paging.key', 'patient-digest.key', 'trust.key', 'audit.keys'].map(
      (name) => `private/${name}`,
    ),
    copies: [...own.map(({ id }) => `viewers/${id}`), ...ADMINS.map((admin) => `admins/${admin}`)].map(
      (folder) => ({ from: TLS_AUTHORITY.certificate, to: `${folder}/broker-ca.pem` }),
    ),
  };
}

function brokerLeaf(region: DevelopmentRegion, usage: 'server' | 'client'): LeafPlace {
  return {
    issuer: TLS_AUTHORITY.certificate,
    certificate: `public/tls-${usage}.pem`,
    key: `private/tls-${usage}.key.pem`,
    commonName: `${region.id} TLS ${usage}`,
    uri: entityIdentifier(region.id),
    usage,
  };
}

function viewerLeaf(viewer: DevelopmentViewer): LeafPlace {
  return {
    issuer: VIEWERS_AUTHORITY.certificate,
    certificate: `viewers/${viewer.id}/client.pem`,
    key: `viewers/${viewer.id}/client.key.pem`,
    commonName: viewer.id,
    uri: viewerIdentifier(viewer),
    usage: 'client',
  };
}

function adminLeaf(region: DevelopmentRegion, admin: string): LeafPlace {
  return {
    issuer: ADMINS_AUTHORITY.certificate,
    certificate: `admins/${admin}/client.pem`,
    key: `admins/${admin}/client.key.pem`,
    commonName: admin,
    uri: adminIdentifier(region.id, admin),
    usage: 'client',
  };
}

function brokerKey(purpose: 'message' | 'log' | 'witness', algorithm: SigningAlgorithm): SigningKeyPlace {
  const file = `${purpose}.jwk.json`;
  return { algorithm, private: `private/${file}`, public: `public/${file}`, form: 'jwk' };
}

function viewerKey(viewer: DevelopmentViewer): SigningKeyPlace {
  const folder = `viewers/${viewer.id}`;
  return {
    algorithm: 'ES256',
    private: `${folder}/viewer.jwk.json`,
    public: `${folder}/viewer.public.jwk.json`,
    form: 'jwk',
  };
}
