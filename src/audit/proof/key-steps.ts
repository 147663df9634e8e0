import { retiredKey, type RetiredKey, type SignedBeside } from './retired-key.ts';
import type { Signature } from './signature.ts';
import { notChecked, ok, warning, type Step } from './verdict.ts';

/** Whether a message's key was listed when it signed, and whether it was listed no more, then or later. */
export function keySteps({ sequence, from, key, iat, listedThen }: Signature): Step[] {
  const about = `entry ${sequence}`;
  // That a key is listed now says nothing of then.
  const unlisted = `${about}: no statement here shows that ${from.region} listed this key at the time`;
  const then = listedThen ? [] : [notChecked('key-in-force', unlisted, sequence)];
  const retired = retiredKey(from, key, iat);
  if (retired === undefined) return then;
  const make = { ok, warning, 'not-checked': notChecked }[resultOf(retired)];
  return [...then, { ...make('key-retired', `${about}: ${wordsOf(retired)}`, sequence), retired }];
}

function resultOf({ signed, byFormerKey }: RetiredKey): 'ok' | 'not-checked' | 'warning' {
  return byFormerKey ? 'not-checked' : RESULTS[signed];
}

const RESULTS: Readonly<Record<SignedBeside, 'ok' | 'not-checked' | 'warning'>> = {
  'before-retirement': 'ok',
  'within-refresh': 'not-checked',
  'after-retirement': 'warning',
};

const WORDS: Readonly<Record<SignedBeside, string>> = {
  'before-retirement': 'before that, by its own word',
  'within-refresh':
    'AFTER that, within the day in which a neighbour may not have fetched it: by its owner, or by another',
  'after-retirement': 'MORE THAN A DAY AFTER that: another may have signed it',
};

function wordsOf(retired: RetiredKey): string {
  const { region, kid, listed, lastListed, dropped, signedAt, signed } = retired;
  const rests = retired.byFormerKey
    ? `; NOT SURE: statement ${dropped.statement} leans on a former federation key, and who has that may have made it since`
    : '';
  const last =
    lastListed.statement === listed.statement
      ? ''
      : ` to statement ${lastListed.statement} of ${lastListed.issued}`;
  return (
    `signed by the key ${kid} of ${region}, which was retired: listed from statement ${listed.statement} of ` +
    `${listed.issued}${last}, and no more by statement ${dropped.statement} of ${dropped.issued}; ` +
    `signed on ${signedAt}, ${WORDS[signed]}${rests}`
  );
}
