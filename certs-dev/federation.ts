import type { SigningAlgorithm } from '../src/trust/signing-key.ts';

export interface DevelopmentRegion {
  readonly id: string;
  /** The regions differ on purpose: both algorithms of the protocol are then in daily use. */
  readonly messageAlgorithm: SigningAlgorithm;
}

export interface DevelopmentViewer {
  readonly id: string;
  readonly region: string;
}

export interface DevelopmentFederation {
  readonly regions: readonly DevelopmentRegion[];
  readonly viewers: readonly DevelopmentViewer[];
}

/** Every region has these admins: two who must agree on trust, and one who may not decide on it. */
export const ADMINS: readonly string[] = ['officer-1', 'officer-2', 'operator-1'];

/** The four regions of the demo and their viewers. */
export const FEDERATION: DevelopmentFederation = {
  regions: [
    { id: 'herts-west-essex', messageAlgorithm: 'ES256' },
    { id: 'london', messageAlgorithm: 'EdDSA' },
    { id: 'essex-suffolk', messageAlgorithm: 'ES256' },
    { id: 'west-midlands', messageAlgorithm: 'EdDSA' },
  ],
  viewers: [
    { id: 'hwe-viewer', region: 'herts-west-essex' },
    { id: 'london-viewer', region: 'london' },
    { id: 'mid-south-essex-viewer', region: 'essex-suffolk' },
    { id: 'suffolk-viewer', region: 'essex-suffolk' },
    { id: 'one-health-and-care-viewer', region: 'west-midlands' },
    { id: 'collaborative-care-record-viewer', region: 'west-midlands' },
  ],
};

/** A region's entity identifier, as in OpenID Federation 1.0. */
export function entityIdentifier(region: string): string {
  return `https://${region}.wayleave.example`;
}

export function viewerIdentifier(viewer: DevelopmentViewer): string {
  return `${entityIdentifier(viewer.region)}/viewers/${viewer.id}`;
}

export function adminIdentifier(region: string, admin: string): string {
  return `${entityIdentifier(region)}/admins/${admin}`;
}
