import { CommandFailed, INCOMPLETE } from '../io.ts';
import type { RegionOptions } from '../region-config.ts';
import { statusOf } from '../status.ts';
import { plain } from '../subcommand.ts';

/**
 * A broker that could not read our files anew goes on with the former ones: nothing of those may go yet.
 *
 * @returns what is to be said where no broker was reached
 * @throws CommandFailed with `INCOMPLETE`
 */
export async function assertBrokerFollows(options: RegionOptions): Promise<string[]> {
  const told = await statusOf(options);
  if ('failed' in told) {
    return [
      `The broker was not reached at ${told.address} (${told.failed}): see to it that it uses what is in place.`,
    ];
  }
  const { fault } = told.status.own;
  if (fault === undefined) return [];
  throw new CommandFailed(
    `The broker does not use what is in place, so that nothing was written: ${plain(fault)}`,
    INCOMPLETE,
  );
}
