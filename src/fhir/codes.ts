/** The published code systems of this product: `docs/codesystems.md`, served at `/fhir/CodeSystem/{id}`. */
export const CODE_SYSTEM_BASE = 'https://wayleave.example/CodeSystem';

export const SYSTEM = {
  region: `${CODE_SYSTEM_BASE}/region`,
  record: `${CODE_SYSTEM_BASE}/record`,
  search: `${CODE_SYSTEM_BASE}/search`,
  outcome: `${CODE_SYSTEM_BASE}/outcome`,
  reason: `${CODE_SYSTEM_BASE}/reason`,
  rule: `${CODE_SYSTEM_BASE}/rule`,
  error: `${CODE_SYSTEM_BASE}/error`,
  careSetting: `${CODE_SYSTEM_BASE}/care-setting`,
  organisation: 'https://fhir.nhs.uk/Id/ods-organization-code',
} as const;

/** The kinds of answer and of "nothing", which are never confused. */
export const OUTCOMES = {
  answered: 'Asked, answered, and here it is',
  partial: 'Asked, and a part of what it holds is here',
  none: 'Asked, and it holds none of what was asked for',
  withheld: 'Asked, and it says nothing: a restriction, an objection, a label or the agreement',
  'not-offered': 'Not shared by design, whoever the patient is',
  'not-reached': 'Planned, but there was no answer that can be used: what it holds is not known',
  'not-asked': 'Not asked: no reason, no agreement, a restriction, or the viewer shows it itself',
} as const;
export type Outcome = keyof typeof OUTCOMES;

/** Why a region was asked, was not asked, or did not answer in full: a class, never a detail of the patient. */
export const REASONS = {
  registered: 'The patient is registered with a practice there',
  'care-location': 'The patient was treated there',
  notice: 'It told that it holds something of the patient',
  handover: 'It was named by the region that was home before',
  located: 'It was named by the home region',
  continued: 'It gave a part of the page before this one',
  'ask-own': 'Where the patient belongs is not known, so no region but our own was asked for that',
  'ask-all': 'It is not known who holds something, so all were asked that an agreement covers',
  'break-glass': 'Asked in an emergency although the patient is restricted',
  'no-reason': 'Nothing known leads there',
  'no-agreement': 'No sharing agreement is in force',
  restricted: 'The patient is restricted: no region is asked',
  'own-record': 'The viewer shows this record itself',
  'other-record-named': 'The question names one record of another region',
  timeout: 'No answer came in time',
  fault: 'It failed or could not be connected to',
  'circuit-open': 'It failed a moment ago and is not asked again until it recovers',
  busy: 'Too many calls are under way there',
  throttled: 'It asked to be left alone for a moment, and is not asked again before that is over',
  refused: 'It refused the query',
  'not-believed': 'Its answer failed verification and none of it was used',
  'responder-decision': 'The other region decided not to say',
  agreement: 'The sharing agreement does not cover this purpose, role or organisation',
  label: 'Something is withheld by its confidentiality label',
  'record-not-reached': 'A record behind the region was not reached',
  'record-not-approved': 'The record is not approved here yet, so nothing of it is used',
  paging: 'The record holds more than it could hand over',
  'record-incomplete': 'The record itself says that its answer is not whole',
  'not-trusted': 'Its statement of identity is not in force, or was revoked here',
  paused: 'It is not asked for now: an administrator has paused it for planned work',
} as const;
export type Reason = keyof typeof REASONS;

/** The written rule that decided whom to ask. */
export const RULES = {
  registered: 'The registration says which region is home',
  'home-outside-federation': 'The patient is registered outside the regions of this federation',
  'practice-unknown': 'The directory does not know the practice',
  'practice-closed': 'The practice is closed, and so is whoever commissioned it',
  'practice-in-wales': 'The patient is registered in Wales',
  'practice-in-scotland': 'The patient is registered in Scotland',
  'practice-in-northern-ireland': 'The patient is registered in Northern Ireland',
  'practice-in-crown-dependency': 'The patient is registered on the Isle of Man or the Channel Islands',
  'practice-of-defence': 'The patient is registered with a medical centre of the armed forces',
  'practice-special-allocation': 'The practice takes patients from afar, so it does not say where home is',
  'practice-national': 'The practice is commissioned nationally, so it does not say where home is',
  'registration-ended': 'The registration has ended',
  'no-practice': 'The patient has no registered practice',
  'not-known': 'The demographics service does not know the number',
  invalidated: 'The demographics service says that the number is no longer valid',
  'demographics-not-reached': 'The demographics service gave no answer that can be used, in time',
  restricted: 'The patient is restricted',
  'restricted-before':
    'The demographics service gave no answer that can be used, in time; the last that it said is that the patient is restricted',
  'break-glass': 'The ask-none rule was lifted in an emergency',
  'home-not-located':
    'The home region did not tell who else holds something, so the search may be incomplete',
  'locate-not-agreed':
    'The agreement with the home region does not say where else to look, so the search may be incomplete',
  superseded: 'The number was replaced by another: both were asked for',
  'stated-by-viewer': 'The viewer stated the practice, which the demographics service did not',
  'local-register': "This region's own register says that the patient is registered here",
  'ask-all-agreed': 'The policy for that: all regions were asked that an agreement covers',
  'ask-home-only': 'The policy for that: no region but our own was asked for it',
  'ask-none': 'The policy for that: no region was asked for it',
  temporary:
    'A practice here has the patient too, who is registered elsewhere: temporarily, or moved lately. Both were asked',
  'recently-registered':
    'The patient came to this region lately and the region before has handed nothing over: what is held elsewhere may be missing',
  'handed-over': 'The region that says it was home before told where else to look',
  'region-unknown':
    'A region that the directory does not list is said to hold something, and nobody could be asked there',
  deceased: 'The demographics service says that the patient has died',
} as const;
export type Rule = keyof typeof RULES;
