import { retiredKey } from './retired-key.ts';
import type { Signature } from './signature.ts';
import { notChecked, ok, type Step } from './verdict.ts';

/** Whether a message's key was listed when it signed, and whether it is listed no more. */
export function keySteps({ sequence, from, key, listedThen }: Signature): Step[] {
  const about = `entry ${sequence}`;
  // That a key is listed now says nothing of then.
  const unlisted = `${about}: no statement here shows that ${from.region} listed this key at the time`;
  const then = listedThen ? [] : [notChecked('key-in-force', unlisted, sequence)];
  const retired = retiredKey(from, key);
  if (retired === undefined) return then;
  const { listed, lastListed, dropped } = retired;
  const last =
    lastListed.statement === listed.statement
      ? ''
      : ` to statement ${lastListed.statement} of ${lastListed.issued}`;
  const says =
    `${about}: signed by the key ${key.kid} of ${from.region}, which was retired: listed from statement ` +
    `${listed.statement} of ${listed.issued}${last}, and no more by statement ${dropped.statement} of ${dropped.issued}`;
  return [...then, { ...ok('key-retired', says, sequence), retired }];
}
