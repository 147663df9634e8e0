import { startDeadline } from '../../deadline.ts';
import { homeOf, type HomelessRule } from '../../routing/home-region.ts';
import type { Registration } from '../../routing/registration.ts';
import type { NoticeParts } from './notice-parts.ts';
import { Pace } from './pace.ts';

/**
 * Where a patient is at home. `nowhere`: no region is to be told, or asked, by it (restricted, deceased, outside the federation).
 * `none-yet`: registered with no practice at present, or with one that the directory does not know, or not any more. `not-known-now`: demographics cannot say.
 */
export type Home =
  | { readonly kind: 'region'; readonly region: string; /** The NHS number now. */ readonly current: string }
  | { readonly kind: 'nowhere' }
  | { readonly kind: 'none-yet' }
  | { readonly kind: 'not-known-now' };

/** PDS takes five a second from the whole region: viewers have the others. */
const LOOK_UP_EVERY_MS = 1_000;
const LOOK_UP_MS = 10_000;
/** The next import of the directory may say where these lead. */
const NOT_LISTED: ReadonlySet<HomelessRule> = new Set(['practice-unknown', 'practice-closed']);

type FindingParts = Pick<
  NoticeParts,
  'region' | 'register' | 'lookUp' | 'directory' | 'patientDigest' | 'stopping' | 'now'
>;

/** Finds home regions for background work: in our own register first, and by demographics at most once a second. */
export class FindHome {
  readonly #parts: FindingParts;
  readonly #pace: Pace;

  constructor(parts: FindingParts, everyMs = LOOK_UP_EVERY_MS) {
    this.#parts = parts;
    this.#pace = new Pace(everyMs);
  }

  /** By our register first. @throws HouseError `store-unavailable`; AbortError when all is to stop */
  async of(nhsNumber: string, patient: string): Promise<Home> {
    const { region } = this.#parts;
    if (await this.isHere(patient)) return { kind: 'region', region, current: nhsNumber };
    return await this.byDemographics(nhsNumber);
  }

  /** Whether our own register has the patient. @throws HouseError `store-unavailable` */
  async isHere(patient: string): Promise<boolean> {
    const [entry] = (await this.#parts.register?.of([patient])) ?? [];
    return entry !== undefined && entry.until === undefined;
  }

  /** @throws AbortError when all is to stop */
  async byDemographics(nhsNumber: string): Promise<Home> {
    const { lookUp, stopping } = this.#parts;
    await this.#pace.turn(stopping);
    using deadline = startDeadline(LOOK_UP_MS);
    return this.#homeBy(await lookUp(nhsNumber, deadline));
  }

  #homeBy(registration: Registration): Home {
    const { directory, now } = this.#parts;
    // Nobody is told; whether that is for good demographics say when they are back.
    if (registration.kind === 'not-reached' || registration.kind === 'restricted-before') {
      return { kind: 'not-known-now' };
    }
    if (registration.kind === 'ended' || registration.kind === 'no-practice') {
      return { kind: isDeceased(registration) ? 'nowhere' : 'none-yet' };
    }
    if (registration.kind !== 'registered' || isDeceased(registration)) return { kind: 'nowhere' };
    const home = homeOf(registration, directory, now());
    if (home.kind === 'none') return { kind: NOT_LISTED.has(home.rule) ? 'none-yet' : 'nowhere' };
    return { kind: 'region', region: home.region, current: registration.current };
  }
}

function isDeceased(registration: Registration): boolean {
  return 'deceased' in registration && registration.deceased === true;
}
