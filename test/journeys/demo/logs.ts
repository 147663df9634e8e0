import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { RECORD_IDS, REGION_IDS } from '../../../src/demo/places.ts';
import type { PdsEntry } from '../../../src/demo/demo-data.ts';
import { isObject } from '../../../src/fhir/resource.ts';
import { ROOT, STATE } from '../../support/running-demo.ts';
import { FIFTH } from './fifth-region.ts';

/** The broker and the record of the region that joined. */
const FIFTH_PROCESSES = 2;
const KEYS = join(ROOT, 'certs-dev/generated');

/** Reads every log of the demo after all that was done with it. */
export function logs(): void {
  describe('the logs of all of this', () => {
    const files = () => filesBelow(STATE).filter((file) => file.endsWith('.log'));
    let text: string;
    before(() => {
      text = files()
        .map((file) => readFileSync(file, 'utf8'))
        .join('\n');
    });
    /** What of `secrets` is in a log, by its place in the list: the failure must not print it. */
    const leaked = (secrets: readonly string[]): number[] =>
      secrets.flatMap((secret, place) => (text.includes(secret) ? [place] : []));

    it('are there, one for each process, and tell what went on', () => {
      assert.equal(files().length, REGION_IDS.length + RECORD_IDS.length + 1 + FIFTH_PROCESSES);
      assert.match(text, /"msg":"broker started"/);
      assert.match(text, /"destination":"london".*"circuit":"open"/);
      assert.match(text, /"code":"timeout"/);
      assert.doesNotMatch(text, /Error: |^ +at /m);
    });

    it('hold no NHS number', () => {
      const numbers = demographics().map(({ nhsNumber }) => nhsNumber);
      assert.ok(numbers.length > 100 && numbers.includes('9990000018'));
      assert.deepEqual(leaked(numbers), []);
      assert.deepEqual(leaked(numbers.map((number) => number.replace(/(...)(...)(....)/, '$1 $2 $3'))), []);
    });

    it("hold no patient's name", () => {
      const names = [...new Set(demographics().flatMap(namesOf))];
      assert.ok(names.length > 50 && names.includes('Hollis'));
      const words = new Set(text.match(/\p{L}[\p{L}'-]+/gu));
      assert.deepEqual(
        names.flatMap((name, place) => (words.has(name) ? [place] : [])),
        [],
      );
    });

    it('hold no token and no key', () => {
      assert.equal(/eyJ[A-Za-z0-9_-]{8}|Bearer|PRIVATE KEY/.test(text), false);
      const secrets = [KEYS, FIFTH].flatMap(filesBelow).flatMap(secretsIn);
      assert.ok(secrets.length > 4 * REGION_IDS.length);
      assert.deepEqual(leaked(secrets), []);
    });
  });
}

function demographics(): PdsEntry[] {
  return JSON.parse(readFileSync(join(STATE, 'data/pds.json'), 'utf8')) as PdsEntry[];
}

function namesOf(entry: PdsEntry): string[] {
  const names: unknown = 'patient' in entry ? entry.patient['name'] : [];
  return (Array.isArray(names) ? names.filter(isObject) : [])
    .flatMap(({ family, given }) => [family, given].flat())
    .filter((name): name is string => typeof name === 'string');
}

/** The secret part of a key file: a JWK's `d`, a PEM's lines, a symmetric key as text of either alphabet. */
function secretsIn(file: string): string[] {
  if (file.endsWith('.key.pem')) {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => line.length > 40 && !line.startsWith('-----'));
  }
  if (file.endsWith('.jwk.json')) {
    const { d } = JSON.parse(readFileSync(file, 'utf8')) as { d?: string };
    return d === undefined ? [] : [d];
  }
  if (!file.endsWith('.key')) return [];
  const bytes = readFileSync(file);
  return [bytes.toString('base64url'), bytes.toString('hex'), bytes.toString('utf8').trim()];
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
