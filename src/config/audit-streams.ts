import { X509Certificate, createPrivateKey } from 'node:crypto';
import { statSync } from 'node:fs';
import { z } from 'zod';

import { StartError } from '../errors.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import { code, path } from './forms.ts';

/** RFC 5612: kept for examples, as nobody's own. */
const EXAMPLE_ENTERPRISE = 32473;

/** Where the audit log is sent on to as it grows. */
export const auditStream = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('ndjson'),
    id: code,
    file: path,
    /** Before the file would grow beyond that, it gets another name and a new one is begun. */
    rotate_bytes: z.int().min(65_536).optional(),
  }),
  z.strictObject({
    /** RFC 5424 messages over TLS (RFC 5425). */
    kind: z.literal('syslog'),
    id: code,
    host: z.string().min(1),
    port: z.int().min(1).max(65535).default(6514),
    /** The DNS name that the receiver's certificate must carry. */
    name: z
      .hostname('a DNS name, as siem.example.nhs.uk')
      .regex(/[a-z][a-z0-9-]*$/i, 'a DNS name, no address'),
    anchors: path,
    /** Our certificate and its private key, where the receiver asks for one. */
    certificate: path.optional(),
    key: path.optional(),
    /** The most entries on one connection. */
    batch: z.int().min(1).max(1_000).default(100),
    /** The longest message, in bytes: what does not fit comes in parts. Some receivers take 8,096 unless told otherwise. */
    message_bytes: z.int().min(2_048).max(1_048_576).default(8_000),
    /** IANA private enterprise number of who reads the messages. */
    enterprise: z.int().min(1).max(4_294_967_295).default(EXAMPLE_ENTERPRISE),
    /** How long one batch may take. */
    timeout_ms: z.int('whole milliseconds').min(1_000).max(120_000).default(30_000),
  }),
]);
export type AuditStreamConfig = z.infer<typeof auditStream>;

export interface ConfiguredNdjsonStream {
  readonly kind: 'ndjson';
  readonly id: string;
  /** Absolute. */
  readonly file: string;
  readonly rotateBytes: number | undefined;
}

export interface ConfiguredSyslogStream {
  readonly kind: 'syslog';
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly name: string;
  /** PEM. */
  readonly anchors: string;
  readonly own: TlsIdentity | undefined;
  readonly batch: number;
  readonly messageBytes: number;
  readonly enterprise: number;
  readonly timeoutMs: number;
}

export type ConfiguredStream = ConfiguredNdjsonStream | ConfiguredSyslogStream;

/** How the files are reached that a configuration names. */
export interface NamedFiles {
  readonly source: string;
  readonly near: (name: string) => string;
  readonly text: (setting: string, name: string) => string;
}

/** Reads what the streams name, and holds them against each other. @throws StartError */
export function configuredStreams(
  streams: readonly AuditStreamConfig[],
  files: NamedFiles,
): ConfiguredStream[] {
  const found = streams.map((stream, position) => configured(stream, `audit_streams.${position}`, files));
  const twice = (values: readonly string[]): boolean => new Set(values).size < values.length;
  if (twice(found.map((stream) => stream.id)))
    throw new StartError(`${files.source}: audit_streams names one id twice: give each stream its own id.`);
  if (twice(found.flatMap((stream) => (stream.kind === 'ndjson' ? [stream.file] : []))))
    throw new StartError(
      `${files.source}: audit_streams names one file twice: give each stream its own file.`,
    );
  return found;
}

function configured(stream: AuditStreamConfig, at: string, files: NamedFiles): ConfiguredStream {
  const { id: name } = stream;
  if (stream.kind === 'ndjson') {
    // Whether it can be written is no question of the start: a disk that is away must not keep a broker from starting.
    return { kind: 'ndjson', id: name, file: files.near(stream.file), rotateBytes: stream.rotate_bytes };
  }
  const { kind, host, port, batch, enterprise } = stream;
  const anchors = files.text(`${at}.anchors`, stream.anchors);
  assertCertificate(files.source, `${at}.anchors`, anchors);
  return {
    ...{ kind, id: name, host, port, name: stream.name, anchors, batch, enterprise },
    own: ownIdentity(stream, at, files),
    messageBytes: stream.message_bytes,
    timeoutMs: stream.timeout_ms,
  };
}

type SyslogConfig = Extract<AuditStreamConfig, { kind: 'syslog' }>;

/** Our certificate and its key, where they are named: both or neither. @throws StartError */
export function ownIdentity(
  { certificate, key }: Pick<SyslogConfig, 'certificate' | 'key'>,
  at: string,
  files: NamedFiles,
): TlsIdentity | undefined {
  const { source, near, text } = files;
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    const lacks = certificate === undefined ? 'certificate' : 'key';
    throw new StartError(
      `${source}: ${at}.${lacks} is missing: write certificate and key, or neither of them.`,
    );
  }
  const own = { certificate: text(`${at}.certificate`, certificate), key: text(`${at}.key`, key) };
  if ((statSync(near(key)).mode & 0o077) !== 0)
    throw new StartError(`${source}: ${at}.key names a file that other users can read: run chmod 600 on it.`);
  assertCertificate(source, `${at}.certificate`, own.certificate);
  if (!isKeyOf(own)) {
    throw new StartError(
      `${source}: ${at}.key names no private key of that certificate: write the path of the key (PEM) that belongs to it.`,
    );
  }
  return own;
}

/** The cause of a failure is not kept: it may quote the key. */
function isKeyOf({ certificate, key }: TlsIdentity): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** @throws StartError */
export function assertCertificate(source: string, setting: string, pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw new StartError(
      `${source}: ${setting} names a file without a certificate: write the path of a PEM file.`,
      {
        cause: error,
      },
    );
  }
}
