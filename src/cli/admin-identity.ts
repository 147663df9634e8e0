import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { TlsIdentity } from '../trust/tls.ts';
import { CommandFailed } from './io.ts';
import { DEVELOPMENT_KEYS } from './region-config.ts';

/** As whom the demo's commands act unless `--as` says otherwise. */
const DEVELOPMENT_ADMIN = 'officer-1';

/** An admin's own side: a certificate, its key, and the authorities that the admin trusts for the broker. */
export interface AdminIdentity extends TlsIdentity {
  /** Where it was read from. */
  readonly directory: string;
  /** PEM; several while the broker changes its authority. */
  readonly brokerAnchors: string;
}

/**
 * What `--as` names: a directory, or one of a region's development admins.
 *
 * @throws CommandFailed naming the file that cannot be read, or that others can read
 */
export function adminIdentity(region: string, as: string = DEVELOPMENT_ADMIN): AdminIdentity {
  const isDevelopment = /^[a-z0-9-]+$/.test(as) && !existsSync(as);
  const directory = isDevelopment ? join(DEVELOPMENT_KEYS, region, 'admins', as) : resolve(as);
  const read = (name: string): string => {
    const file = join(directory, name);
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new CommandFailed(
        `${file} cannot be read: name with --as a directory with client.pem, client.key.pem and broker-ca.pem` +
          `${isDevelopment ? ', or make the development keys with `npx wayleave demo --prepare`' : ''}.`,
        1,
        { cause: error },
      );
    }
  };
  const [certificate, key, brokerAnchors] = [
    read('client.pem'),
    read('client.key.pem'),
    read('broker-ca.pem'),
  ];
  const keyFile = join(directory, 'client.key.pem');
  if ((statSync(keyFile).mode & 0o077) !== 0)
    throw new CommandFailed(`${keyFile} can be read by other users: run chmod 600 on it.`);
  return { directory, certificate, key, brokerAnchors };
}
