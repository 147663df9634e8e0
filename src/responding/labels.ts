import { careSetting, type Agreement } from '../config/schema.ts';
import { SYSTEM } from '../fhir/codes.ts';
import type { Resource } from '../fhir/resource.ts';

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

/** True when a resource is tagged with a care setting that no agreement can name: it stays, and that is said. */
export function hasUnknownSetting(resource: Resource): boolean {
  return careSettingsOf(resource, 'acute').some(
    (setting) => !(careSetting.options as readonly string[]).includes(setting),
  );
}

/** A resource is shared only if every care setting that it belongs to is. */
export function settingIsShared(resource: Resource, recordSetting: string, agreement: Agreement): boolean {
  return careSettingsOf(resource, recordSetting).every((setting) =>
    (agreement.care_settings as readonly string[]).includes(setting),
  );
}

/** Under whichever system: STU3 and OID forms are in use, and a label without a system is still a label. */
function labelsOf(resource: Resource): string[] {
  return (resource.meta?.security ?? []).map((label) => label.code).filter((code) => code !== undefined);
}
