import http from 'node:http';

import { SYSTEM } from '../fhir/codes.ts';
import { isObject, type Resource } from '../fhir/resource.ts';
import { connectionCode } from '../upstream/connection-code.ts';
import { CommandFailed } from './io.ts';
import type { WrittenConfig } from './region-config.ts';
import { codesOf, issuesIn } from './tell.ts';

/** Whom was asked, and as whom: for sentences. */
export interface AskedAdminApi {
  readonly config: WrittenConfig;
  /** `https://`, host and port. */
  readonly address: string;
  /** Where the admin's certificate lies. */
  readonly directory: string;
}

/** The admin API said no: one sentence with what to do, and the code of the one table. */
export class AdminRefused extends CommandFailed {
  readonly code: string;

  constructor(sentence: string, code: string) {
    super(sentence);
    this.code = code;
  }
}

const LOOK_MS = 2_000;

/** The sentence for an exchange that came to no answer; whether the broker runs, its plain listener says. */
export async function notReached(
  { config, address, directory }: AskedAdminApi,
  { code = 'unknown' }: NodeJS.ErrnoException,
): Promise<CommandFailed> {
  const api = `The admin API of ${config.region} at ${address}`;
  const kind = connectionCode(code);
  // A server's alert is an error of TLS as well; a client certificate that it does not take ends the connection.
  if (code !== 'ETIMEDOUT' && (kind === 'lost-connection' || code.includes('ALERT'))) {
    return new CommandFailed(
      `${api} closed the connection (${code}): unless the broker was just stopped, ${directory}/client.pem is not in ` +
        `force, or not from an authority that admins in ${config.source} names: name another directory with --as.`,
    );
  }
  if (kind === 'tls-failed') {
    return new CommandFailed(
      `${address} does not prove that it is ${config.entity} (${code}), so it was asked nothing: look whose port it ` +
        `is, and whether ${directory}/broker-ca.pem still holds that broker's authority.`,
    );
  }
  const { host, port } = config.listeners.admin;
  const runs = await isAlive(`http://${host}:${port}/health/live`);
  if (!runs) {
    return new CommandFailed(
      `${api} was not reached (${code}), nor does its broker answer at ${host}:${port}: start it, for the demo with \`npm start\`.`,
    );
  }
  return new CommandFailed(
    code === 'ETIMEDOUT'
      ? `${api} gave no answer in time, though the broker runs: see its log.`
      : `${api} was not reached (${code}), though the broker runs: start it again, so that it knows listeners.admin_api.`,
  );
}

/** The sentence for an answer that is none of what was asked for. */
export function refusal(
  { config, address, directory }: AskedAdminApi,
  status: number,
  answer: unknown,
): CommandFailed {
  const outcome = isObject(answer) && answer['resourceType'] === 'OperationOutcome' ? answer : undefined;
  const issue = outcome && issuesIn(outcome as Resource)[0];
  if (issue === undefined) {
    return new CommandFailed(
      `${address} gave an answer (${status}) that is none of the admin API: see the log of ${config.region}'s broker.`,
    );
  }
  const [code = 'unknown'] = codesOf(issue, SYSTEM.error);
  const mends: Readonly<Record<string, string>> = {
    'certificate-unknown': `name an admin of ${config.region} with --as, or write the name in ${directory}/client.pem under admins`,
    'certificate-expired': `have ${directory}/client.pem issued anew`,
    'second-admin-needed':
      'approve it as another admin with --as, or, at a site with one admin, with --alone',
    'nothing-pending': '`wayleave trust list` says what waits',
    'admin-role-refused': 'name an admin with --as whose role does',
  };
  const detail = issue.diagnostics === undefined ? '' : `: ${issue.diagnostics}`;
  const said = issue.details.text.replace(/[.]$/, '');
  return new AdminRefused(
    `${said} (${code}${detail})${mends[code] === undefined ? '' : `: ${mends[code]}`}.`,
    code,
  );
}

/** Whether a broker that runs answers there. */
function isAlive(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(url, { timeout: LOOK_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}
