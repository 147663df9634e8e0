import { isNhsNumber } from '../fhir/nhs-number.ts';
import { CommandFailed, type Io } from './io.ts';

/** What `--help` says beside an NHS number as argument. */
export const FROM_INPUT =
  '- reads it from standard input, since other users of this machine can see arguments';

/**
 * The NHS number of an argument, or of standard input where the argument is `-`; spaces as it is printed.
 *
 * @throws CommandFailed when it is none; the number itself is not told
 */
export async function patientOf(argument: string, io: Pick<Io, 'inputLine'>): Promise<string> {
  const text = argument === '-' ? await io.inputLine() : argument;
  const nhsNumber = text.replaceAll(/\s/g, '');
  if (isNhsNumber(nhsNumber)) return nhsNumber;
  throw new CommandFailed('That is no valid NHS number: check its ten digits.', 2);
}
