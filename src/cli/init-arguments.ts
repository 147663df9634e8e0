import { InvalidArgumentError } from 'commander';

import type { FirstAdmin } from '../config/first-files.ts';
import { addressOctets } from '../trust/ip-address.ts';
import { ADMIN_ROLES } from '../trust/admins.ts';
import { gather, wholeNumber } from './subcommand.ts';

/** The arguments of `wayleave trust init`, each in its form. All throw InvalidArgumentError. */

export function regionId(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError('Write lower-case letters, digits and hyphens.');
}

export function viewerIds(text: string, given: readonly string[] = []): string[] {
  const id = regionId(text);
  if (given.includes(id)) throw new InvalidArgumentError('Give each viewer once.');
  return [...given, id];
}

export function firstAdmins(text: string, given: readonly FirstAdmin[] = []): FirstAdmin[] {
  const [, id = '', named] = /^([^:]*):(.*)$/.exec(text) ?? [];
  const role = ADMIN_ROLES.find((one) => one === named);
  if (role === undefined) {
    throw new InvalidArgumentError(`Write an id, a colon and a role: one of ${ADMIN_ROLES.join(', ')}.`);
  }
  if (given.some((one) => one.id === id)) throw new InvalidArgumentError('Give each admin once.');
  return [...given, { id: regionId(id), role }];
}

export function ipAddresses(text: string, given: readonly string[] = []): string[] {
  if (addressOctets(text) !== undefined) return gather(text, given);
  throw new InvalidArgumentError('Write an IP address, as 10.1.2.3.');
}

/** The first of five. */
export function firstPort(text: string): number {
  const port = wholeNumber(text);
  if (port >= 1 && port <= 65_531) return port;
  throw new InvalidArgumentError('Write a port from 1 to 65531.');
}

export function httpsUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' && url.username === '' && /^[\x21-\x7e]+$/.test(text)) return text;
  throw new InvalidArgumentError('Write an https URL in ASCII.');
}

/** A name, compared letter by letter: no slash at its end that another would leave out. */
export function entityUrl(text: string): string {
  const { search, hash } = new URL(httpsUrl(text));
  if (search === '' && hash === '' && !text.endsWith('/')) return text;
  throw new InvalidArgumentError('Write an https URL without query, fragment or slash at its end.');
}

export function odsCodes(text: string, given: readonly string[] = []): string[] {
  if (/^[A-Z0-9]{3,12}$/.test(text)) return gather(text, given);
  throw new InvalidArgumentError('Write an ODS code: 3 to 12 capital letters and digits.');
}
