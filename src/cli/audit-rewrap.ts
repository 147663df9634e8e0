import { Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { rewrapKeys, type Rewrapped, type RewrapProgress } from '../audit/rewrap.ts';
import { keyId, Keyring } from '../audit/sealing.ts';
import { assertOpen } from './assert-open.ts';
import type { Io } from './io.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import { tellingProgress } from './progress.ts';
import type { RegionOptions } from './region-config.ts';

interface Options extends RegionOptions {
  readonly json?: true;
}

/** Room for a broker that tries to write every 25 ms. */
const PAUSE_MS = 60;

export function rewrapCommand(io: Io): Command {
  return new Command('rewrap')
    .description('Wrap the keys of sealed entries under the first of audit.keys, so that former ones can go.')
    .option('--region <region>', "whose broker's log")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print what was done as JSON')
    .addHelpText(
      'after',
      '\nIt goes over every log of the store, archived entries too; nothing is opened or deleted, and every proof' +
        '\nstays whole. Restart every replica with the new key in front first: one that was not goes on with the' +
        '\nformer. A run that was killed is gone on with by the next. The broker may run.' +
        '\nExits with 1 where no key opens the key of an entry.',
    )
    .action((options: Options) =>
      withAudit(options, async (audit) => {
        const done = await rewrap(audit, options, io);
        if (options.json) io.print(JSON.stringify(done));
        else for (const line of lines(done, audit.secrets.auditKeys)) io.print(line);
        if (done.unopened > 0) io.fail(1);
      }),
    );
}

async function rewrap({ store, secrets, trail }: OpenAudit, { json }: Options, io: Io): Promise<Rewrapped> {
  // Why it was restored is sealed under these keys too, and is not in the log yet.
  await assertOpen(store);
  const onProgress = tellingProgress<RewrapProgress>(
    io,
    json,
    ({ done, size }) => `${done} of ${size} entries`,
  );
  const pause = (): Promise<void> => sleep(PAUSE_MS);
  const done = await rewrapKeys({ store, keyring: new Keyring(secrets.auditKeys), pause, onProgress });
  await trail.keysRewrapped(randomUUID(), done);
  return done;
}

function lines(
  { rewrapped, current, unopened, notNeeded, needed }: Rewrapped,
  keys: readonly Buffer[],
): string[] {
  const named = (ids: readonly string[]): string => ids.map((id) => placed(id, keys)).join(', ');
  return [
    `${rewrapped} re-wrapped; ${current} were under the current key already.`,
    ...(unopened === 0
      ? []
      : [
          `${unopened} are opened by no key of audit.keys, and stay as they are: look for the key that is missing.`,
        ]),
    ...(needed.length === 0 ? [] : [`Keep, since something is still wrapped by it: ${named(needed)}.`]),
    notNeeded.length === 0
      ? 'There is no former key that can be removed.'
      : `Nothing in this store needs these any more, and they may be removed from audit.keys: ${named(notNeeded)}.`,
  ];
}

/** A key's name, and which line of the secrets it is on. */
function placed(id: string, keys: readonly Buffer[]): string {
  return `${id} (key ${keys.findIndex((key) => keyId(key) === id) + 1})`;
}
