import { collectRequest, type Collecting } from '../config/own-request.ts';
import type { OwnPlaces } from '../config/own-places.ts';
import { statementRequestText } from '../config/statement-request-file.ts';
import { logOrigin } from '../tlog/origin.ts';
import { writeNewFile } from './new-file.ts';

/** What our next entity statement is to say, as the file that travels to the federation key. */
export interface Claims {
  readonly out: string;
  readonly text: string;
}

/** Collects it; nothing is written. @throws MaterialError, StartError */
export async function collectClaims(
  places: OwnPlaces,
  out: string,
  wish: Omit<Collecting, 'logOrigin'>,
): Promise<Claims> {
  const { entity, replica } = places.config;
  const request = await collectRequest(places, { ...wish, logOrigin: logOrigin(entity, replica) });
  return { out, text: statementRequestText(request) };
}

/** @throws CommandFailed where the file is there already, or cannot be written */
export function writeClaims({ out, text }: Claims): void {
  writeNewFile(out, text);
}

/** As `--json` prints it. */
export function claimsJson({ out, text }: Claims): { out: string; claims: unknown } {
  return { out, claims: JSON.parse(text) };
}

/** What is to be done with it. */
export function claimsLine({ out }: Claims): string {
  return `${out}: carry it to the federation key and sign it there with \`wayleave trust sign\`.`;
}
