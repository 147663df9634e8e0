import type { Identifier } from './resource.ts';

/** The naming system of the NHS number (UK Core). */
export const NHS_NUMBER_SYSTEM = 'https://fhir.nhs.uk/Id/nhs-number';

const WEIGHTS = [10, 9, 8, 7, 6, 5, 4, 3, 2];

/**
 * True for ten digits whose last is the Modulus 11 check digit of the first nine (NHS Data Dictionary).
 * A remainder that would need the check digit 10 makes no valid number.
 */
export function isNhsNumber(text: string): boolean {
  if (!/^\d{10}$/.test(text)) return false;
  const sum = WEIGHTS.reduce((total, weight, position) => total + weight * Number(text[position]), 0);
  const check = 11 - (sum % 11);
  return check !== 10 && (check === 11 ? 0 : check) === Number(text[9]);
}

/** The token form that search parameters and signed claims use: `system|value`. */
export function nhsNumberToken(nhsNumber: string): string {
  return `${NHS_NUMBER_SYSTEM}|${nhsNumber}`;
}

/** The NHS number in `system|value`, or undefined when the system is another or the number is not valid. */
export function fromNhsNumberToken(token: string): string | undefined {
  const value = token.startsWith(`${NHS_NUMBER_SYSTEM}|`) ? token.slice(NHS_NUMBER_SYSTEM.length + 1) : '';
  return isNhsNumber(value) ? value : undefined;
}

/** The valid NHS numbers among `identifiers` (which come from outside). */
export function nhsNumbersOf(identifiers: unknown): string[] {
  if (!Array.isArray(identifiers)) return [];
  return (identifiers as (Identifier | null)[])
    .filter((identifier) => identifier?.system === NHS_NUMBER_SYSTEM)
    .map((identifier) => identifier?.value)
    .filter((value): value is string => typeof value === 'string' && isNhsNumber(value));
}
