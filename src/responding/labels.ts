import type { Agreement } from '../config/schema.ts';
import { SYSTEM } from '../fhir/codes.ts';
import type { Resource } from '../fhir/resource.ts';

const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';

/** R (restricted) and V (very restricted) stay unless the agreement names them; break-glass never lifts them. */
export function labelWithholds(resource: Resource, agreement: Agreement): boolean {
  return labelsOf(resource).some(
    (label) => (label === 'R' || label === 'V') && !agreement.release_labels.includes(label),
  );
}

/** True when a Patient resource says that the patient is restricted, whatever an agreement says. */
export function isRestrictedPatient(patient: Resource): boolean {
  return labelsOf(patient).some((label) => label === 'R' || label === 'V');
}

/** The care settings of a resource: its own tags, or the record's own setting. */
export function careSettingsOf(resource: Resource, recordSetting: string): string[] {
  const tags = (resource.meta?.tag ?? [])
    .filter((tag) => tag.system === SYSTEM.careSetting)
    .map((tag) => tag.code)
    .filter((code) => code !== undefined);
  return tags.length === 0 ? [recordSetting] : tags;
}

/** A resource is shared only if every care setting that it belongs to is. */
export function settingIsShared(resource: Resource, recordSetting: string, agreement: Agreement): boolean {
  return careSettingsOf(resource, recordSetting).every((setting) =>
    (agreement.care_settings as readonly string[]).includes(setting),
  );
}

function labelsOf(resource: Resource): string[] {
  return (resource.meta?.security ?? [])
    .filter((label) => label.system === CONFIDENTIALITY)
    .map((label) => label.code)
    .filter((code) => code !== undefined);
}
