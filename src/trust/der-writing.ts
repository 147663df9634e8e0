import forge from 'node-forge';

/** What DER (X.690) is written of, in the words of ASN.1; only what this room writes by itself. */
export type Der = forge.asn1.Asn1;

const { Class, Type } = forge.asn1;

export function encode(value: Der): Buffer {
  return Buffer.from(forge.asn1.toDer(value).getBytes(), 'latin1');
}

/** forge would read a bit string that looks like ASN.1 as that; its typings do not know the option. */
const AS_IT_IS = { decodeBitStrings: false } as unknown as boolean;

/** What is DER already, to be put into something else. */
export function decode(bytes: Buffer): Der {
  return forge.asn1.fromDer(bytes.toString('latin1'), AS_IT_IS);
}

export function sequence(...parts: Der[]): Der {
  return forge.asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, parts);
}

export function set(...parts: Der[]): Der {
  return forge.asn1.create(Class.UNIVERSAL, Type.SET, true, parts);
}

export function oid(dotted: string): Der {
  return primitive(Type.OID, forge.asn1.oidToDer(dotted).getBytes());
}

export function integer(value: number): Der {
  return primitive(Type.INTEGER, forge.asn1.integerToDer(value).getBytes());
}

export function octets(bytes: Buffer): Der {
  return primitive(Type.OCTETSTRING, bytes.toString('latin1'));
}

/** @param unused how many of the last octet's bits are none */
export function bits(bytes: Buffer, unused = 0): Der {
  return primitive(Type.BITSTRING, Buffer.concat([Buffer.of(unused), bytes]).toString('latin1'));
}

export function yes(): Der {
  return primitive(Type.BOOLEAN, '\xff');
}

export function nothing(): Der {
  return primitive(Type.NULL, '');
}

export function utf8(text: string): Der {
  return primitive(Type.UTF8, Buffer.from(text).toString('latin1'));
}

/** `[tag] IMPLICIT IA5String`, as a GeneralName has it. */
export function taggedText(tag: number, ascii: string): Der {
  return forge.asn1.create(Class.CONTEXT_SPECIFIC, tag, false, ascii);
}

/** `[tag] IMPLICIT SET OF`. */
export function taggedSet(tag: number, ...parts: Der[]): Der {
  return forge.asn1.create(Class.CONTEXT_SPECIFIC, tag, true, parts);
}

function primitive(type: forge.asn1.Type, value: string): Der {
  return forge.asn1.create(Class.UNIVERSAL, type, false, value);
}

/** PEM (RFC 7468) with lines of 64. */
export function pemText(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
