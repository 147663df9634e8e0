import { SUBJECT_ELEMENTS } from '../../fhir/compartment.ts';
import type { Coding } from '../../fhir/resource.ts';
import type { AnyRecordId, Hospital } from '../places.ts';
import type { Ledger, Reference } from './ledger.ts';
import { localPatient, UK_CORE, type Person } from './person.ts';

export type CareSetting =
  'acute' | 'primary' | 'community' | 'mental-health' | 'sexual-health' | 'urgent' | 'social';

/** Where and by whom the entries that follow were made. */
export interface Context {
  readonly setting: CareSetting;
  readonly organisation: Reference;
  readonly clinician?: Reference;
  readonly encounter?: Reference;
  /** Labels each entry `R` (restricted). */
  readonly restricted?: boolean;
}

const CARE_SETTING = 'https://wayleave.example/CodeSystem/care-setting';
const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
/** Types for which UK Core has no profile. */
const WITHOUT_PROFILE = ['Binary'];

/** One person's chart in one record: adds entries with id, subject, profile, care setting and date. */
export class Chart {
  readonly ledger: Ledger;
  readonly record: AnyRecordId;
  readonly patient: Reference;
  readonly context: Context;

  private constructor(ledger: Ledger, record: AnyRecordId, patient: Reference, context: Context) {
    this.ledger = ledger;
    this.record = record;
    this.patient = patient;
    this.context = context;
  }

  /** Opens a chart: adds the record's own Patient. `at` is where the first entries are made. */
  static open(
    ledger: Ledger,
    record: AnyRecordId,
    person: Person,
    at: { setting: CareSetting; organisation: Hospital },
    held: { nhsNumber?: string; restricted?: boolean } = {},
  ): Chart {
    const id = ledger.nextId(record, 'Patient');
    const meta = { versionId: '1', lastUpdated: instant(ledger.now, 30), profile: [`${UK_CORE}Patient`] };
    const patient = ledger.add(record, { ...localPatient(person, record, id, held), meta });
    const organisation = ledger.organisation(record, at.organisation);
    return new Chart(ledger, record, patient, { setting: at.setting, organisation });
  }

  /** The same chart, written in another context. */
  within(context: Partial<Context>): Chart {
    return new Chart(this.ledger, this.record, this.patient, { ...this.context, ...context });
  }

  at(setting: CareSetting, organisation: Hospital): Chart {
    const place = this.ledger.organisation(this.record, organisation);
    return new Chart(this.ledger, this.record, this.patient, { setting, organisation: place });
  }

  by(prefix: string, given: string, family: string): Chart {
    return this.within({ clinician: this.ledger.practitioner(this.record, prefix, given, family) });
  }

  /** An instant `daysAgo` days before the demo's now (negative: ahead), `time` being HH:MM in UTC. */
  time(daysAgo: number, time = '09:30'): string {
    return `${this.date(daysAgo)}T${time}:00+00:00`;
  }

  hoursAgo(hours: number): string {
    return instant(this.ledger.now, hours / 24);
  }

  date(daysAgo: number): string {
    return new Date(this.ledger.now.getTime() - daysAgo * 86_400_000).toISOString().slice(0, 10);
  }

  /** Adds a resource about this patient. `on` is how many days ago it was last changed. */
  add(type: string, on: number, elements: Record<string, unknown>): Reference {
    const { setting, restricted } = this.context;
    const subject = SUBJECT_ELEMENTS[type]?.[0];
    const security: Coding[] = [{ system: CONFIDENTIALITY, code: 'R', display: 'restricted' }];
    return this.ledger.add(this.record, {
      resourceType: type,
      id: this.ledger.nextId(this.record, type),
      meta: {
        versionId: '1',
        lastUpdated: instant(this.ledger.now, Math.max(on, 0)),
        ...(!WITHOUT_PROFILE.includes(type) && { profile: [`${UK_CORE}${type}`] }),
        ...(restricted === true && { security }),
        tag: [{ system: CARE_SETTING, code: setting }],
      },
      ...(subject !== undefined && !subject.includes('.') && { [subject]: this.patient }),
      ...elements,
    });
  }

  /** The encounter under way, under the element name that the type gives it. */
  during(element = 'encounter'): Record<string, Reference> {
    return this.context.encounter === undefined ? {} : { [element]: this.context.encounter };
  }

  /** The clinician, under the element name that the type gives them. */
  signed(element: string): Record<string, Reference> {
    return this.context.clinician === undefined ? {} : { [element]: this.context.clinician };
  }
}

function instant(now: Date, daysAgo: number): string {
  return new Date(now.getTime() - daysAgo * 86_400_000).toISOString();
}
