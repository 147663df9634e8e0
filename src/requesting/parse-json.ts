import { EvidenceError } from '../errors.ts';

/** The body of an answer whose digest was verified. @throws EvidenceError `bad-claims` */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new EvidenceError('bad-claims', 'not JSON', { cause: error });
  }
}
