import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Config, RegisteredViewer } from '../config/load.ts';
import { importSigner } from '../evidence/keys.ts';
import { signViewerToken, VIEWER_LIFE_S } from '../evidence/viewer-token.ts';
import { nhsNumberToken } from '../fhir/nhs-number.ts';
import { thumbprintOf } from '../trust/peer-certificate.ts';
import { X509Certificate } from 'node:crypto';
import { CommandFailed } from './io.ts';
import { DEVELOPMENT_KEYS } from './region-config.ts';

export interface ViewerOptions {
  readonly viewer?: string;
  readonly keys?: string;
  readonly organisation?: string;
  readonly role?: string;
  readonly breakGlass?: string;
  readonly reason?: string;
  readonly practice?: string;
}

/** A viewer's own side: its certificate, its key and the authority that it trusts for its broker. */
export interface ViewerIdentity {
  readonly viewer: RegisteredViewer;
  readonly certificate: string;
  readonly key: string;
  readonly brokerAnchor: string;
  /** Signs a token for one patient, good for five minutes on this certificate. */
  tokenFor(nhsNumber: string): Promise<string>;
}

/** Takes the place of one of the region's viewers, with its development keys. @throws CommandFailed */
export function viewerIdentity(config: Config, options: ViewerOptions): ViewerIdentity {
  const viewer = config.viewers.find(({ id }) => options.viewer === undefined || id === options.viewer);
  if (viewer === undefined) {
    const known = config.viewers.map(({ id }) => id).join(', ');
    throw new CommandFailed(`--viewer ${options.viewer} is not registered: write one of ${known}.`, 2);
  }
  const directory = options.keys ?? join(DEVELOPMENT_KEYS, config.region, 'viewers', viewer.id);
  const read = (name: string): string => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch (error) {
      throw new CommandFailed(
        `${join(directory, name)} cannot be read: make the development keys with \`npx wayleave demo --prepare\`, or name yours with --keys.`,
        1,
        { cause: error },
      );
    }
  };
  const certificate = read('client.pem');
  return {
    viewer,
    certificate,
    key: read('client.key.pem'),
    brokerAnchor: read('broker-ca.pem'),
    tokenFor: async (nhsNumber) => {
      const signer = await importSigner(JSON.parse(read('viewer.jwk.json')) as object);
      const claims = tokenClaims(config, viewer, options, certificate, nhsNumber);
      return signViewerToken(signer, claims, VIEWER_LIFE_S[viewer.binding], Date.now());
    },
  };
}

function tokenClaims(
  config: Config,
  viewer: RegisteredViewer,
  options: ViewerOptions,
  certificate: string,
  nhsNumber: string,
) {
  const glass =
    options.breakGlass === undefined
      ? {}
      : {
          break_glass: { code: options.breakGlass, reason: options.reason ?? 'asked from the command line' },
        };
  return {
    iss: viewer.issuer,
    aud: config.entity,
    cnf: { 'x5t#S256': thumbprintOf(new X509Certificate(certificate)) },
    patient: nhsNumberToken(nhsNumber),
    reason_for_request: 'directcare',
    scope: 'patient/*.read',
    requesting_system: `${viewer.issuer}/system`,
    requesting_organization: options.organisation ?? viewer.organisations[0] ?? '',
    requesting_user: `${viewer.issuer}/Id/user|command-line`,
    requesting_user_role: options.role ?? 'R8000',
    ...glass,
    ...(options.practice === undefined ? {} : { registered_practice: odsCode(options.practice) }),
  };
}

/** @throws CommandFailed */
export function odsCode(text: string): string {
  if (/^[A-Z0-9]{3,12}$/.test(text)) return text;
  throw new CommandFailed('--practice is no ODS code: write 3 to 12 capital letters and digits.', 2);
}

export const PRACTICE_OPTION = [
  '--practice <ods>',
  'the practice that the viewer says the patient is registered with: used where demographics say none',
] as const;

/** Options that every command has that asks as a viewer. */
export const VIEWER_OPTIONS = [
  ['--viewer <id>', "one of the region's viewers (default: its first)"],
  ['--keys <directory>', "that viewer's keys (default: the development keys)"],
  ['--organisation <ods>', "the asking organisation (default: the viewer's first)"],
  ['--role <code>', 'SDS job role or one of the viewer’s own roles (default: R8000)'],
  ['--break-glass <code>', 'break the glass, with a code of the agreement such as emergency'],
  ['--reason <text>', 'why the glass is broken'],
  PRACTICE_OPTION,
] as const;
