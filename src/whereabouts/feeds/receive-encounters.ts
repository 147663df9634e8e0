import { RequestError } from '../../errors.ts';
import { readEncounter } from '../../routing/encounter.ts';
import { speaksFor, type Platform } from '../../trust/platforms.ts';
import { keepSeen, type Feeding, type Seen } from './recorded.ts';

/** What became of one Encounter: taken, of no interest (nobody was seen), or refused. */
export type Received = 'recorded' | 'not-a-sighting' | RequestError;

/**
 * THE JOURNEY of what a platform tells: each Encounter is read for who was where and when, held against the organisations
 * that the platform speaks for, and recorded. Nothing else of it is kept.
 *
 * @param encounters what cannot be one is given as the error that it is answered with
 * @param whole nothing is recorded when one is refused
 * @returns for each in order, once all that is recorded is durable
 */
export async function receiveEncounters(
  encounters: readonly unknown[],
  platform: Platform,
  whole: boolean,
  feeding: Feeding,
): Promise<Received[]> {
  const judged = encounters.map((one) =>
    one instanceof RequestError ? one : judge(one, platform, feeding.now()),
  );
  const refused = judged.filter((one) => one instanceof RequestError).length;
  const seen = whole && refused > 0 ? [] : judged.filter((one): one is Seen => isSeen(one));
  await keepSeen(seen, refused, platform.id, feeding);
  return judged.map((one) => (isSeen(one) ? 'recorded' : one));
}

function judge(encounter: unknown, platform: Platform, now: number): Seen | 'not-a-sighting' | RequestError {
  const read = readEncounter(encounter, now);
  if (read === 'not-a-sighting') return read;
  if (typeof read === 'string') return new RequestError('encounter-refused', read);
  const { subject, organisations, firstSeen, lastSeen } = read;
  // A reference leads into the platform's own record, where we ask nothing.
  if (!('nhsNumber' in subject)) return new RequestError('encounter-refused', 'nhs-number-missing');
  if (!organisations.every((code) => speaksFor(platform, code))) {
    return new RequestError('platform-organisation-refused');
  }
  return { nhsNumber: subject.nhsNumber, organisations, firstSeen, lastSeen };
}

function isSeen(one: Seen | 'not-a-sighting' | RequestError): one is Seen {
  return typeof one === 'object' && !(one instanceof RequestError);
}
