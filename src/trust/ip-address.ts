import { isIP } from 'node:net';

/**
 * The octets of an IP address as an `iPAddress` name holds them (RFC 5280, 4.2.1.6): 4, or 16 of IPv6, with an IPv4 address
 * at its end in either form.
 *
 * @returns undefined for what is no address, or has a zone
 */
export function addressOctets(ip: string): Buffer | undefined {
  const kind = ip.includes('%') ? 0 : isIP(ip);
  if (kind === 0) return undefined;
  if (kind === 4) return Buffer.from(ip.split('.').map(Number));
  const [head = '', tail] = ip.split('::');
  const [before, after] = [groupsOf(head), tail === undefined ? [] : groupsOf(tail)];
  const zeroes = Array.from({ length: 8 - before.length - after.length }, () => 0);
  const octets = Buffer.alloc(16);
  for (const [nth, group] of [...before, ...zeroes, ...after].entries()) octets.writeUInt16BE(group, nth * 2);
  return octets;
}

/** The same as forge takes octets: a character each. @throws TypeError for what is no address */
export function addressText(ip: string): string {
  const octets = addressOctets(ip);
  if (octets === undefined) throw new TypeError('no IP address');
  return octets.toString('latin1');
}

/** Groups of 16 bits; an IPv4 address is two. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
