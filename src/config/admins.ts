import { dirname, resolve } from 'node:path';

import { checkTogether } from './check-together.ts';
import { assertAuthorities, parseYaml } from './read-files.ts';
import { configFile, directoryFile, type AdminConfig } from './schema.ts';
import { TrustFiles, type WholeFile } from './trust-files.ts';

/** An admin as configured, with the PEM text of the authorities that may have issued the certificate. */
export interface RegisteredAdmin extends AdminConfig {
  readonly anchors: string;
}

/**
 * @param source the file that names them
 * @throws StartError for authorities that are none; FileCut
 */
export function registeredAdmins(
  source: string,
  admins: readonly AdminConfig[],
  files: Pick<TrustFiles, 'pem'>,
): RegisteredAdmin[] {
  return admins.map((admin, position) => {
    const setting = `admins.${position}.certificate.anchors`;
    const anchors = files.pem(setting, anchorsFile(source, admin));
    assertAuthorities(source, setting, anchors);
    return { ...admin, anchors };
  });
}

/** The admins as a configuration file names them now, and the files that this depends on. */
export interface AdminsAnew {
  readonly admins: readonly RegisteredAdmin[];
  readonly files: readonly string[];
  /** The authorities' files, as they are. */
  readonly whole: readonly WholeFile[];
}

/** Reads them from a file that is checked as it is at a start. @throws StartError */
export function readAdminsAnew(source: string): AdminsAnew {
  const raw = parseYaml(source, configFile);
  checkTogether(source, raw, parseYaml(resolve(dirname(source), raw.directory), directoryFile));
  const files = new Set([source, ...raw.admins.map((admin) => anchorsFile(source, admin))]);
  // Nothing stands in for a file that is cut: those of before stay.
  const whole = new TrustFiles(source, () => undefined);
  const admins = registeredAdmins(source, raw.admins, whole);
  return { admins, files: [...files], whole: whole.whole };
}

function anchorsFile(source: string, { certificate }: AdminConfig): string {
  return resolve(dirname(source), certificate.anchors);
}
