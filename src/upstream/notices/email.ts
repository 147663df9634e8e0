import nodemailer from 'nodemailer';

import { isLoopback, type ConfiguredNotices } from '../../config/notices.ts';
import { beforeEnd, type Deadline } from '../../deadline.ts';
import { DeliveryError, type DeliveryCode } from '../../errors.ts';
import { connectionCode } from '../connection-code.ts';
import type { Channel, Notice } from './notice.ts';

const IMPLICIT_TLS_PORT = 465;
const CONNECT_MS = 10_000;

/** Sends a notice as plain text over SMTP (RFC 5321), under TLS unless the server is on this machine. */
export class Email implements Channel {
  readonly name = 'email';
  readonly #transport: ReturnType<typeof transportFor>;
  readonly #from: string;
  readonly #to: readonly string[];

  constructor(settings: NonNullable<ConfiguredNotices['email']>, password: string | undefined) {
    this.#transport = transportFor(settings, password);
    this.#from = settings.from;
    this.#to = settings.to;
  }

  async deliver(notice: Notice, deadline: Deadline): Promise<void> {
    const { subject, text } = letterOf(notice);
    const messageId = `<${notice.id}@${this.#from.split('@')[1] ?? 'localhost'}>`;
    const letter = { from: this.#from, to: [...this.#to], subject, text, messageId };
    try {
      await beforeEnd(this.#transport.sendMail(letter), deadline);
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      // The error's own words may quote what the server said, and what was said to it.
      throw new DeliveryError(codeOf(error));
    }
  }

  close(): void {
    this.#transport.close();
  }
}

function transportFor(
  { host, port, user, anchors }: NonNullable<ConfiguredNotices['email']>,
  pass: string | undefined,
) {
  const here = isLoopback(host);
  const secure = port === IMPLICIT_TLS_PORT;
  return nodemailer.createTransport({
    ...{ host, port, secure, requireTLS: !here && !secure, ignoreTLS: here && !secure },
    ...(user === undefined || pass === undefined ? {} : { auth: { user, pass } }),
    tls: {
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(anchors === undefined ? {} : { ca: anchors }),
    },
    ...{ connectionTimeout: CONNECT_MS, greetingTimeout: CONNECT_MS, socketTimeout: CONNECT_MS },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
}

/** Subject and text of a notice, for people. */
export function letterOf({ region, ends }: Notice): { subject: string; text: string } {
  const [first] = ends;
  const more = ends.length > 1 ? `, and ${ends.length - 1} more` : '';
  const lines = ends.map(
    ({ name, whose, validUntil, level, daysLeft }) =>
      `${name} (${whose}) ${endsIn(level, daysLeft)}: ${validUntil}`,
  );
  return {
    subject: `Wayleave ${region}: ${first === undefined ? '' : `${first.name} ${endsIn(first.level, first.daysLeft)}`}${more}`,
    text: [...lines, '', `wayleave status --region ${region} shows all that ends.`, ''].join('\n'),
  };
}

function endsIn(level: string, daysLeft: number): string {
  return level === 'ended' ? 'has ended' : `ends in ${daysLeft} days`;
}

/** nodemailer's own codes, by what they mean for a delivery; those of the connection keep the system's beside it. */
const CODES: Readonly<Record<string, DeliveryCode>> = {
  ETIMEDOUT: 'timeout',
  ETLS: 'tls-failed',
  EAUTH: 'peer-refused',
  EENVELOPE: 'peer-refused',
  EMESSAGE: 'peer-refused',
};

function codeOf(error: unknown): DeliveryCode {
  const { code = '', originalCode = code } = error as { code?: string; originalCode?: string };
  return CODES[code] ?? connectionCode(originalCode);
}
