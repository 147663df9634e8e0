/**
 * The Patient compartment of FHIR R4 (http://hl7.org/fhir/R4/compartmentdefinition-patient.html): which
 * elements of a type say whom a resource is about. A type that is missing here is not about one patient and
 * is released only when a released resource refers to it.
 *
 * Elements that name a *provider of* the information (author, performer, asserter...) are left out on purpose:
 * a patient who wrote something about somebody else is not its subject.
 */
export const SUBJECT_ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  Account: ['subject'],
  AdverseEvent: ['subject'],
  AllergyIntolerance: ['patient'],
  Appointment: ['participant.actor'],
  AppointmentResponse: ['actor'],
  Basic: ['subject'],
  BodyStructure: ['patient'],
  CarePlan: ['subject'],
  CareTeam: ['subject'],
  ChargeItem: ['subject'],
  Claim: ['patient'],
  ClaimResponse: ['patient'],
  ClinicalImpression: ['subject'],
  Communication: ['subject'],
  CommunicationRequest: ['subject'],
  Composition: ['subject'],
  Condition: ['subject'],
  Consent: ['patient'],
  Coverage: ['beneficiary'],
  CoverageEligibilityRequest: ['patient'],
  CoverageEligibilityResponse: ['patient'],
  DetectedIssue: ['patient'],
  DeviceRequest: ['subject'],
  DeviceUseStatement: ['subject'],
  DiagnosticReport: ['subject'],
  DocumentManifest: ['subject'],
  DocumentReference: ['subject'],
  Encounter: ['subject'],
  EpisodeOfCare: ['patient'],
  ExplanationOfBenefit: ['patient'],
  FamilyMemberHistory: ['patient'],
  Flag: ['subject'],
  Goal: ['subject'],
  ImagingStudy: ['subject'],
  Immunization: ['patient'],
  ImmunizationEvaluation: ['patient'],
  ImmunizationRecommendation: ['patient'],
  List: ['subject'],
  MeasureReport: ['subject'],
  Media: ['subject'],
  MedicationAdministration: ['subject'],
  MedicationDispense: ['subject'],
  MedicationRequest: ['subject'],
  MedicationStatement: ['subject'],
  MolecularSequence: ['patient'],
  NutritionOrder: ['patient'],
  Observation: ['subject'],
  Procedure: ['subject'],
  QuestionnaireResponse: ['subject'],
  RelatedPerson: ['patient'],
  RequestGroup: ['subject'],
  RiskAssessment: ['subject'],
  ServiceRequest: ['subject'],
  Specimen: ['subject'],
  SupplyDelivery: ['patient'],
  SupplyRequest: ['deliverTo'],
  Task: ['for'],
  VisionPrescription: ['patient'],
};

/**
 * Types that are about no patient and that a patient's resource may lead to. Anything else (a Bundle, a Group, a
 * Person) may hold other patients' data inside, where no check looks, and is never released.
 */
export const SUPPORTING_TYPES: ReadonlySet<string> = new Set([
  'Binary',
  'Device',
  'Endpoint',
  'HealthcareService',
  'Location',
  'Medication',
  'Organization',
  'OrganizationAffiliation',
  'Practitioner',
  'PractitionerRole',
  'Questionnaire',
  'Substance',
]);

/** The search parameter that selects one patient's resources of a type (two R4 types have no `patient`). */
export function patientParameter(type: string): 'patient' | 'subject' {
  return type === 'AdverseEvent' || type === 'SupplyRequest' ? 'subject' : 'patient';
}
