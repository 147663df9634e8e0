import { join } from 'node:path';

import { OWNER_ALONE, renameDurably, writeDurably } from './durable-file.ts';

/** Where one kind of our signing keys is. */
export interface SigningKeyPlace {
  readonly key: string;
  /** Published before it is used. */
  readonly nextKey: string;
  /** Listed until nothing that it signed is good any more. */
  readonly formerKey: string;
}

/** @param secrets the directory of private keys */
export function signingKeyPlace(secrets: string, purpose: 'message' | 'log' | 'witness'): SigningKeyPlace {
  const key = (state: string): string => join(secrets, `${purpose}${state}.jwk.json`);
  return { key: key(''), nextKey: key('.next'), formerKey: key('.former') };
}

/**
 * The steps in which the next key takes the place of the present one, each durable before the next begins. The key in place
 * is the present one or the next one, whole, between any two of them and in the middle of each. Begun again after a crash
 * they end what was begun.
 *
 * @param former the text that the present key's file is to have as the former one
 */
export function activationSteps(place: SigningKeyPlace, former: string): (() => Promise<void>)[] {
  return [
    () => writeDurably(place.formerKey, former, OWNER_ALONE),
    () => renameDurably(place.nextKey, place.key),
  ];
}
