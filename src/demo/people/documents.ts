import { recordBase } from '../places.ts';
import type { Chart } from './chart.ts';
import { ENCOUNTER, hl7, type Concept } from './codes.ts';
import type { Reference } from './ledger.ts';
import { pdfOf } from './pdf.ts';

/** HL7 v3 ActCode: inpatient, emergency, ambulatory, at home. */
type EncounterClass = 'IMP' | 'EMER' | 'AMB' | 'HH';

/**
 * Adds an encounter and returns the chart within it, so that what is entered there refers to it.
 *
 * @param given `from` and `to` are days ago; `to` equals `from` for a visit of one day; `ongoing` is a visit
 *   that began two hours before the demo's now
 */
export function encounter(
  chart: Chart,
  given: {
    kind: EncounterClass;
    type?: Concept;
    from: number;
    to?: number;
    reason?: Concept;
    service?: string;
    ongoing?: boolean;
  },
): Chart {
  const { kind, from, to = from, reason, service, ongoing = false } = given;
  const usual = { IMP: ENCOUNTER.admission, EMER: ENCOUNTER.emergency, AMB: ENCOUNTER.consultation };
  const type = given.type ?? (kind === 'HH' ? ENCOUNTER.consultation : usual[kind]);
  const { clinician, organisation } = chart.context;
  const made = chart.add('Encounter', to, {
    status: ongoing ? 'in-progress' : 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: kind },
    type: [type],
    ...(service !== undefined && { serviceType: { text: service } }),
    ...(clinician !== undefined && { participant: [{ individual: clinician }] }),
    period: ongoing
      ? { start: chart.hoursAgo(2) }
      : { start: chart.time(from, '08:40'), end: chart.time(to, kind === 'IMP' ? '15:30' : '09:50') },
    ...(reason !== undefined && { reasonCode: [reason] }),
    serviceProvider: organisation,
  });
  return chart.within({ encounter: made });
}

interface DocumentGiven {
  readonly type: Concept;
  readonly on: number;
  readonly title: string;
  readonly lines: readonly string[];
  readonly format?: 'pdf' | 'text';
  /** How the attachment names its Binary: relative to the record, or by the record's full address. */
  readonly link?: 'relative' | 'absolute';
}

/** Adds a document: a Binary with its content and the DocumentReference that describes it. */
export function document(chart: Chart, given: DocumentGiven): Reference {
  const { type, on, title, lines, format = 'pdf', link = 'relative' } = given;
  const contentType = format === 'pdf' ? 'application/pdf' : 'text/plain; charset=utf-8';
  const data = format === 'pdf' ? pdfOf(lines) : Buffer.from(`${lines.join('\n')}\n`).toString('base64');
  const binary = chart.add('Binary', on, { contentType, data });
  const url = link === 'relative' ? binary.reference : `${recordBase(chart.record)}/${binary.reference}`;
  const { clinician, organisation, encounter: during } = chart.context;
  return chart.add('DocumentReference', on, {
    status: 'current',
    docStatus: 'final',
    type,
    category: [type],
    date: chart.time(on, '16:30'),
    author: [clinician ?? organisation],
    custodian: organisation,
    description: title,
    content: [{ attachment: { contentType, url, title, size: Buffer.from(data, 'base64').length } }],
    ...(during !== undefined && { context: { encounter: [during] } }),
  });
}

/** Adds a structured document whose sections list entries of this chart. */
export function composition(
  chart: Chart,
  given: {
    type: Concept;
    on: number;
    title: string;
    sections: readonly { title: string; text: string; entry?: readonly Reference[] }[];
  },
): Reference {
  const { type, on, title, sections } = given;
  return chart.add('Composition', on, {
    status: 'final',
    type,
    ...chart.during(),
    date: chart.time(on, '16:30'),
    author: [chart.context.clinician ?? chart.context.organisation],
    title,
    custodian: chart.context.organisation,
    section: sections.map(({ title: heading, text, entry }) => ({
      title: heading,
      text: { status: 'additional', div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>${text}</p></div>` },
      ...(entry !== undefined && { entry }),
    })),
  });
}

/** Adds the patient's dissent from sharing outside the record that holds it (FHIR Consent). */
export function dissent(chart: Chart, given: { on: number }): Reference {
  return chart.add('Consent', given.on, {
    status: 'active',
    scope: hl7('consentscope', 'patient-privacy'),
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0', display: 'Patient Consent' }] }],
    dateTime: chart.time(given.on),
    organization: [chart.context.organisation],
    policyRule: { text: 'The patient objects to sharing outside this shared care record.' },
    provision: { type: 'deny', period: { start: chart.date(given.on) } },
  });
}
