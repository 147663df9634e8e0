import { BALP } from '../../src/audit/balp/balp-table.ts';
import type { Coding } from '../../src/fhir/resource.ts';

/**
 * What the profiles of IHE BALP 1.1 ask for, element by element: cardinalities with a minimum of 1, fixed values and
 * what must not be there. Written from the profiles' sources, with their names for the slices.
 */

/** A path within its element, and the value that it must have; undefined: any. */
type Required = Readonly<Record<string, string | boolean | undefined>>;

export interface Slice {
  readonly list: 'agent' | 'entity' | 'subtype';
  readonly name: string;
  /** Any of these makes an item one of the slice. */
  readonly types: readonly Coding[];
  readonly min: 0 | 1;
  readonly required: Required;
  readonly absent?: readonly string[];
}

export interface Profile {
  readonly required: Required;
  readonly absent?: readonly string[];
  /** The type of event. */
  readonly type: Coding;
  readonly agents: number;
  readonly entities: number;
  readonly slices: readonly Slice[];
  /** The slice that is the source as well (`val-audit-source`). */
  readonly recordedBy?: string;
}

const HL7 = 'http://terminology.hl7.org/CodeSystem';
const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const REST = { system: `${HL7}/audit-event-type`, code: 'rest' };
const SOURCE = { system: DCM, code: '110153' };
const DESTINATION = { system: DCM, code: '110152' };
const interaction = (code: string): Coding => ({
  system: 'http://hl7.org/fhir/restful-interaction',
  code,
});

/** FHIR R4 itself: 1..1 whatever the profile. */
const R4: Required = { recorded: undefined, 'source.observer': undefined };
const PARTY: Required = { who: undefined, network: undefined, requestor: undefined };
const user: Slice = {
  ...{ list: 'agent', name: 'user', min: 0 },
  types: [{ system: `${HL7}/v3-ParticipationType`, code: 'IRCP' }],
  required: { who: undefined, requestor: true },
  absent: ['media', 'network'],
};
const transaction: Slice = {
  ...{ list: 'entity', name: 'transaction', min: 0 },
  types: [
    { system: 'https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType', code: 'XrequestId' },
  ],
  required: { 'what.identifier.value': undefined },
};
const patient: Slice = {
  ...{ list: 'entity', name: 'patient', min: 1 },
  types: [{ system: `${HL7}/audit-entity-type`, code: '1' }],
  required: {
    'role.system': `${HL7}/object-role`,
    'role.code': '1',
    what: undefined,
    'what.type': 'Patient',
  },
};
const SYSTEM_OBJECT = [{ system: `${HL7}/audit-entity-type`, code: '2' }];

function party(name: string, type: Coding): Slice {
  return { list: 'agent', name, types: [type], min: 1, required: PARTY, absent: ['media'] };
}

const query: Profile = {
  required: { ...R4, action: 'E', outcome: '0' },
  type: REST,
  ...{ agents: 2, entities: 1 },
  slices: [
    {
      ...{ list: 'subtype', name: 'anySearch', min: 1, required: {} },
      types: ['search', 'search-type', 'search-system'].map(interaction),
    },
    party('client', SOURCE),
    party('server', DESTINATION),
    user,
    transaction,
    {
      ...{ list: 'entity', name: 'query', min: 1, types: SYSTEM_OBJECT },
      required: { 'role.system': `${HL7}/object-role`, 'role.code': '24', query: undefined },
      absent: ['what', 'lifecycle', 'detail'],
    },
  ],
};

/** The ends are the other way about: in a read it is the data that flows. */
const read: Profile = {
  ...query,
  required: { ...R4, action: 'R', outcome: '0' },
  slices: [
    {
      ...{ list: 'subtype', name: 'anyRead', min: 1, required: {} },
      types: ['read', 'vread'].map(interaction),
    },
    party('client', DESTINATION),
    party('server', SOURCE),
    user,
    transaction,
    {
      ...{ list: 'entity', name: 'data', min: 1, types: SYSTEM_OBJECT },
      required: { 'role.system': `${HL7}/object-role`, 'role.code': '4', what: undefined },
    },
  ],
};

function disclosure(code: string, action: string, recordedBy: string): Profile {
  return {
    required: { ...R4, action, outcome: undefined },
    absent: ['modifierExtension'],
    type: { system: DCM, code },
    ...{ agents: 2, entities: 2, recordedBy },
    slices: [
      {
        ...{ list: 'subtype', name: 'disclosure', min: 1, required: {} },
        types: [{ system: `${HL7}/iso-21089-lifecycle`, code: 'disclose' }],
      },
      { ...party('source', SOURCE), absent: [] },
      { ...party('recipient', DESTINATION), absent: [] },
      patient,
    ],
  };
}

export const PROFILES: Readonly<Record<string, Profile>> = {
  [BALP.query]: query,
  [BALP.read]: read,
  [BALP.patientQuery]: { ...query, slices: [...query.slices, patient] },
  [BALP.patientRead]: { ...read, entities: 2, slices: [...read.slices, patient] },
  [BALP.disclosed]: disclosure('110106', 'R', 'source'),
  [BALP.received]: disclosure('110107', 'C', 'recipient'),
};
