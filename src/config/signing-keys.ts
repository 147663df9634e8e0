import { StartError } from '../errors.ts';
import { encryptJwk } from '../evidence/encrypted-jwk.ts';
import { publicJwk, type PublicJwk } from '../trust/entity-statement.ts';
import { jsonText } from '../trust/made-file.ts';
import { signingKeyPlace, type SigningKeyPlace } from '../trust/signing-key-files.ts';
import { publicHalf } from '../trust/signing-key.ts';
import { openJwkFile } from './open-secrets.ts';
import type { OwnPlaces } from './own-places.ts';
import { notThere, secretFile } from './secret-file.ts';

/** A signing key of ours as its file holds it, opened. */
export interface HeldKey {
  readonly privateJwk: object;
  readonly publicJwk: PublicJwk;
}

/** One kind of our signing keys, as files. */
export interface SigningKeys {
  readonly place: SigningKeyPlace;
  readonly present: HeldKey;
  readonly next: HeldKey | undefined;
  readonly former: HeldKey | undefined;
}

/** @throws StartError */
export async function signingKeys(
  { secrets, passphrase }: OwnPlaces,
  purpose: 'message' | 'log' | 'witness',
): Promise<SigningKeys> {
  const place = signingKeyPlace(secrets, purpose);
  const [present, next, former] = await Promise.all(
    [place.key, place.nextKey, place.formerKey].map((file) => heldKey(file, passphrase)),
  );
  if (present === undefined) throw notThere(place.key);
  return { place, present, next, former };
}

async function heldKey(file: string, passphrase: string | undefined): Promise<HeldKey | undefined> {
  if (secretFile(file) === undefined) return undefined;
  const privateJwk = await openJwkFile(file, passphrase);
  try {
    return { privateJwk, publicJwk: publicJwk.parse(publicHalf(privateJwk)) };
  } catch {
    throw new StartError(`secrets: ${file} is no private ES256 or EdDSA JWK: put the key back from a copy.`);
  }
}

/** A private signing key as its file has it. */
export async function privateJwkText(jwk: object, passphrase: string | undefined): Promise<string> {
  return passphrase === undefined ? jsonText(jwk) : `${await encryptJwk(jwk, passphrase)}\n`;
}

/** When a key was replaced, in its own file: seconds since the epoch. No member of RFC 7517; it is never published. */
const REPLACED_AT = 'replaced_at';

/** A key that is the former one from now on. @param at milliseconds since the epoch */
export function replaced({ privateJwk }: HeldKey, at: number): object {
  return { ...privateJwk, [REPLACED_AT]: Math.ceil(at / 1000) };
}

/** @returns milliseconds since the epoch; undefined where somebody else has put the file there */
export function replacedAt({ privateJwk }: HeldKey): number | undefined {
  const at = (privateJwk as Record<string, unknown>)[REPLACED_AT];
  return typeof at === 'number' ? at * 1000 : undefined;
}
