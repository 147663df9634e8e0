import https from 'node:https';
import type { Command } from 'commander';

import { federationClientTls, serverNamed } from '../trust/tls.ts';
import { notReached, refusal, type AskedAdminApi } from './admin-failures.ts';
import { adminIdentity, type AdminIdentity } from './admin-identity.ts';
import { CommandFailed } from './io.ts';
import { writtenConfig, type RegionOptions, type WrittenConfig } from './region-config.ts';

export { AdminRefused } from './admin-failures.ts';

export interface AdminOptions extends RegionOptions {
  /** A directory with client.pem, client.key.pem and broker-ca.pem, or the name of a development admin. */
  readonly as?: string;
}

const ADMIN_OPTIONS = [
  ['--region <region>', "whose broker's admin API"],
  ['--config <file>', 'a configuration file instead of --region'],
  [
    '--as <directory>',
    'an admin’s client.pem, client.key.pem and broker-ca.pem (default, in the demo: officer-1)',
  ],
] as const;

const WAIT_MS = 30_000;

/** The options that every command has that asks the admin API. */
export function withAdmin(command: Command): Command {
  for (const [flags, description] of ADMIN_OPTIONS) command.option(flags, description);
  return command;
}

/** The admin API of the region that the options name, as the admin whom they name. @throws CommandFailed, StartError */
export function adminClient(options: AdminOptions): AdminClient {
  const config = writtenConfig(options);
  return new AdminClient(config, adminIdentity(config.region, options.as));
}

/** One admin's calls to one broker, each over a connection of its own: mutual TLS 1.3, the broker known by its name. */
export class AdminClient {
  readonly region: string;
  readonly #asked: AskedAdminApi;
  readonly #identity: AdminIdentity;

  /** @throws CommandFailed where the region has no admin API */
  constructor(config: WrittenConfig, identity: AdminIdentity) {
    const listener = config.listeners.admin_api;
    if (listener === undefined) {
      throw new CommandFailed(
        `${config.source}: ${config.region} has no admin API: write listeners.admin_api and admins, and start its broker again.`,
      );
    }
    const address = `https://${listener.host}:${listener.port}`;
    this.region = config.region;
    this.#asked = { config, address, directory: identity.directory };
    this.#identity = identity;
  }

  /** @param path from `/admin/v1/` on @throws AdminRefused, CommandFailed */
  get(path: string): Promise<unknown> {
    return this.#ask('GET', path, undefined);
  }

  /** @throws AdminRefused, CommandFailed */
  post(path: string, body: object): Promise<unknown> {
    return this.#ask('POST', path, JSON.stringify(body));
  }

  async #ask(method: string, path: string, body: string | undefined): Promise<unknown> {
    let reply;
    try {
      reply = await this.#exchange(method, path, body);
    } catch (error) {
      throw await notReached(this.#asked, error as NodeJS.ErrnoException);
    }
    const answer = parsed(reply.text);
    if (reply.status === 200 && answer !== undefined) return answer;
    throw refusal(this.#asked, reply.status, answer);
  }

  #exchange(method: string, path: string, body: string | undefined): Promise<Reply> {
    const options: https.RequestOptions = {
      ...federationClientTls(this.#identity, [this.#identity.brokerAnchors]),
      // Said aloud: without it a variable of the environment could turn the verification off.
      rejectUnauthorized: true,
      checkServerIdentity: serverNamed(this.#asked.config.entity),
      agent: false,
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      timeout: WAIT_MS,
    };
    return new Promise((resolve, reject) => {
      const request = https.request(new URL(path, this.#asked.address), options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
      });
      request.on('timeout', () =>
        request.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })),
      );
      request.on('error', reject);
      request.end(body);
    });
  }
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
