/** DER (ITU-T X.690) as tests write it. */
export type Der = Buffer;

export function der(tag: number, content: Buffer | readonly Buffer[]): Der {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.concat(content);
  const { length } = bytes;
  const octets = length < 0x80 ? [length] : [...lengthOctets(length)];
  return Buffer.concat([Buffer.from([tag, ...octets]), bytes]);
}

function lengthOctets(length: number): number[] {
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

/** A dotted object identifier. */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift(0x80 | (left % 128));
    }
    return groups;
  });
  return der(0x06, Buffer.from(octets));
}

/** A distinguished name of one common name. */
export function name(commonName: string): Der {
  return der(0x30, [der(0x31, [der(0x30, [oid('2.5.4.3'), der(0x0c, Buffer.from(commonName))])])]);
}

/** UTCTime (RFC 5280, 4.1.2.5.1). */
export function time(date: Date): Der {
  return der(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2)}`,
    ),
  );
}

export function extension(id: string, value: Buffer, critical = false): Der {
  const marked = critical ? [der(0x01, Buffer.from([0xff]))] : [];
  return der(0x30, [oid(id), ...marked, der(0x04, value)]);
}
