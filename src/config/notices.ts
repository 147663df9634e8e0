import { z } from 'zod';

import { StartError } from '../errors.ts';
import type { NamedFiles } from './audit-streams.ts';
import { path } from './forms.ts';

/** The name of a variable of the environment: what is secret stays out of the file. */
const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'the name of a variable, as WAYLEAVE_SMTP_PASSWORD');

/** Who is told of what ends soon. Nobody by default: it is in the status and in the log all the same. */
export const noticesForm = z.strictObject({
  email: z
    .strictObject({
      host: z.string().min(1),
      /** 465: TLS at once; every other: STARTTLS. */
      port: z.int().min(1).max(65535).default(587),
      from: z.email(),
      to: z.union([z.email(), z.array(z.email()).min(1).max(20)]).transform((one) => [one].flat()),
      user: z.string().min(1).optional(),
      password_env: variable.optional(),
      /** PEM of the authorities that may vouch for the server; default: the public ones. */
      anchors: path.optional(),
    })
    .refine(({ user, password_env: named }) => (user === undefined) === (named === undefined), {
      error: 'user together with password_env, or neither',
      path: ['password_env'],
    })
    .optional(),
  webhook: z
    .strictObject({
      url: z
        .url({ protocol: /^https?$/ })
        .refine(isConfidential, 'an https address, or one of this machine')
        .refine((url) => new URL(url).username === '', 'an address without a user in it'),
      secret_env: variable.optional(),
      anchors: path.optional(),
    })
    .optional(),
});
export type NoticesForm = z.infer<typeof noticesForm>;

/** With the files read that it names. */
export interface ConfiguredNotices {
  readonly email?: (Omit<NonNullable<NoticesForm['email']>, 'anchors'> & Anchored) | undefined;
  readonly webhook?: (Omit<NonNullable<NoticesForm['webhook']>, 'anchors'> & Anchored) | undefined;
}

interface Anchored {
  /** PEM. */
  readonly anchors: string | undefined;
}

/** Reads what the notices name. @throws StartError */
export function configuredNotices({ email, webhook }: NoticesForm, { text }: NamedFiles): ConfiguredNotices {
  const anchors = (at: string, name: string | undefined): string | undefined =>
    name === undefined ? undefined : text(`notices.${at}.anchors`, name);
  return {
    email: email && { ...email, anchors: anchors('email', email.anchors) },
    webhook: webhook && { ...webhook, anchors: anchors('webhook', webhook.anchors) },
  };
}

/** What is secret of the notices: never in a file, a log or an error. */
export interface NoticeSecrets {
  readonly smtpPassword: string | undefined;
  readonly webhookSecret: string | undefined;
}

/** @throws StartError with the setting and the name of a variable that is not set */
export function noticeSecrets(
  { email, webhook }: ConfiguredNotices,
  environment: Readonly<Record<string, string | undefined>>,
): NoticeSecrets {
  const read = (setting: string, name: string | undefined): string | undefined => {
    if (name === undefined) return undefined;
    const value = environment[name];
    if (value !== undefined && value !== '') return value;
    throw new StartError(
      `notices.${setting} names ${name}, which is not set: set it in the broker's environment.`,
    );
  };
  return {
    smtpPassword: read('email.password_env', email?.password_env),
    webhookSecret: read('webhook.secret_env', webhook?.secret_env),
  };
}

/** TLS, or an address that does not leave this machine. */
function isConfidential(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || isLoopback(hostname);
}

export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
}
