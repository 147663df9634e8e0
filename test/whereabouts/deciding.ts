import { patientNotices } from '../../src/config/patient-notices.ts';
import { testNhsNumbers } from '../../src/demo/test-nhs-number.ts';
import { PatientNumberSeal } from '../../src/evidence/patient-number-seal.ts';
import { Directory } from '../../src/routing/directory.ts';
import type { Registration } from '../../src/routing/registration.ts';
import type { Store } from '../../src/store/contracts.ts';
import { DecideInbox } from '../../src/whereabouts/notices/decide-inbox.ts';
import { FindHome } from '../../src/whereabouts/notices/find-home.ts';
import type { NoticeParts } from '../../src/whereabouts/notices/notice-parts.ts';
import { ToldCounts } from '../../src/whereabouts/notices/told-counts.ts';

const numbers = new PatientNumberSeal(Buffer.alloc(32, 7));
export const digestOf = (nhsNumber: string): string => `digest-${nhsNumber}`;
export const HERE = 'F81027';
export const LONDON = 'E84005';

/** The inbox of Hertfordshire, on a true store: what neighbours tell, and whom demographics are asked after. */
export class Deciding {
  readonly store: Store;
  readonly inbox: DecideInbox;
  readonly counts: ToldCounts;
  readonly lookedUp: string[] = [];
  /** Who is in our own register, and what demographics say of the others. */
  readonly here = new Set<string>();
  readonly homes = new Map<string, Registration>();
  readonly trusted = new Set(['essex', 'london', 'west-midlands']);
  now = 1_000_000;
  readonly parts: NoticeParts;

  constructor(store: Store, change: Partial<NoticeParts> = {}) {
    this.store = store;
    this.parts = {
      region: 'herts-west-essex',
      directory: new Directory({
        regions: [
          { id: 'herts-west-essex', name: 'Herts', sub_icbs: [{ code: '07H' }] },
          { id: 'london', name: 'London', sub_icbs: [{ code: '93C' }] },
        ],
        ...{ practices: { [HERE]: '07H', [LONDON]: '93C' }, organisations: [] },
      }),
      neighbours: { inForce: (region: string) => (this.trusted.has(region) ? {} : undefined) } as never,
      ...{ links: new Map(), agreementWith: () => undefined, store, numbers, patientDigest: digestOf },
      // Nothing is to be signed or written down here.
      ...{ sender: undefined as never, trail: undefined as never },
      register: {
        of: async (patients) =>
          patients
            .filter((patient) => this.here.has(patient))
            .map((patient) => ({ patient, sealedNumber: new Uint8Array(), practice: HERE })),
        leavers: async () => [],
      },
      lookUp: async (nhsNumber) => {
        this.lookedUp.push(nhsNumber);
        return this.homes.get(nhsNumber) ?? { kind: 'registered', practice: HERE, current: nhsNumber };
      },
      ...{ settings: patientNotices.parse({}), stopping: new AbortController().signal, now: () => this.now },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      ...change,
    };
    this.counts = new ToldCounts(this.parts);
    this.inbox = new DecideInbox(this.parts, new FindHome(this.parts, 0), this.counts);
  }

  /** A notice of each patient came. */
  async tell(sender: string, nhsNumbers: readonly string[]): Promise<void> {
    const told = nhsNumbers.map((nhsNumber) => ({
      ...({ sender, region: sender, how: 'notice', firstTold: this.now, lastTold: this.now } as const),
      patient: digestOf(nhsNumber),
      sealedNumber: numbers.seal(nhsNumber, digestOf(nhsNumber)),
    }));
    await this.store.noticeInbox.keep(told, 10_000);
  }

  async isKnown(nhsNumber: string): Promise<boolean> {
    return (await this.store.knownRegions.of([digestOf(nhsNumber)])).length > 0;
  }

  async undecided(): Promise<Record<string, number>> {
    const counts = await this.store.noticeInbox.counts();
    return Object.fromEntries(counts.map(({ sender, waiting }) => [sender, waiting]));
  }
}

export const PATIENTS = testNhsNumbers('9990030000', 1_010);
