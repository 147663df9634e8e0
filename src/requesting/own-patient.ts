import type { Deadline } from '../deadline.ts';
import type { Directory } from '../routing/directory.ts';
import { homeOf, type HomelessRule } from '../routing/home-region.ts';
import type { RegistrationSource } from '../routing/registration.ts';

/** Whether a patient is ours, by our own demographics. */
export type OwnPatient =
  /** We are the home region. The current number comes first, then the given ones that it replaced. */
  | { readonly kind: 'ours'; readonly nhsNumbers: readonly string[] }
  | { readonly kind: 'elsewhere'; readonly region: string }
  /** It cannot be told: nobody may be asked as if it were. */
  | { readonly kind: 'not-known'; readonly rule: HomelessRule };

interface Knowing {
  readonly region: string;
  readonly directory: Directory;
  readonly registrations: RegistrationSource;
  readonly now: () => number;
}

/**
 * @param nhsNumber as it was given: the current one, or one that was replaced
 * @param also others that are said to be the same patient's; what our demographics do not say is left out
 */
export async function ownPatient(
  nhsNumber: string,
  also: readonly string[],
  { region, directory, registrations, now }: Knowing,
  deadline: Deadline,
): Promise<OwnPatient> {
  const registration = await registrations.registrationOf(nhsNumber, deadline);
  const home = homeOf(registration, directory, now());
  if (home.kind === 'none') return { kind: 'not-known', rule: home.rule };
  if (home.region !== region) return { kind: 'elsewhere', region: home.region };
  const current = 'current' in registration ? registration.current : nhsNumber;
  const given = [...new Set([nhsNumber, ...also])].filter((number) => number !== current);
  const registered = await Promise.all(given.map((number) => registrations.registrationOf(number, deadline)));
  const replaced = given.filter((_number, nth) => {
    const one = registered[nth];
    return one !== undefined && 'current' in one && one.current === current;
  });
  return { kind: 'ours', nhsNumbers: [current, ...replaced] };
}
