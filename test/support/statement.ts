import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { RegionId } from '../../src/demo/places.ts';
import { importSigner } from '../../src/evidence/keys.ts';
import { signStatement } from '../../src/evidence/statement.ts';
import {
  entityStatement,
  type BrokerMetadata,
  type EntityStatement,
  type PublicJwk,
} from '../../src/trust/entity-statement.ts';
import type { TestFederation } from './federation.ts';

/** Signs a region's statement anew, with the next sequence: as its admin does with the federation key. */
export async function signAnew(
  federation: TestFederation,
  region: RegionId,
  change: (broker: BrokerMetadata) => Partial<BrokerMetadata>,
): Promise<number> {
  const { token, sequence } = await statementWith(federation, region, change);
  writeFileSync(statementFile(federation, region), token);
  return sequence;
}

/** What a statement is signed with, and what of it is another than in the region's own. */
export interface Otherwise {
  /** A file of the region's keys; default: its federation key. */
  readonly key?: string;
  readonly claims?: (statement: EntityStatement) => Partial<EntityStatement>;
}

/** A statement like the region's own, with the next sequence and a change, which is written nowhere. */
export async function statementWith(
  federation: TestFederation,
  region: RegionId,
  change: (broker: BrokerMetadata) => Partial<BrokerMetadata> = () => ({}),
  { key = 'offline/federation.jwk.json', claims = () => ({}) }: Otherwise = {},
): Promise<{ token: string; sequence: number }> {
  const payload = readFileSync(statementFile(federation, region), 'utf8').split('.')[1] ?? '';
  const statement = entityStatement.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  const { wayleave_broker: broker } = statement.metadata;
  const changed = { ...broker, sequence: broker.sequence + 1, ...change(broker) };
  const file = join(federation.directory, 'keys', region, key);
  const signer = await importSigner(JSON.parse(readFileSync(file, 'utf8')) as object);
  const signed = { ...statement, metadata: { wayleave_broker: changed } };
  return { token: signStatement(signer, { ...signed, ...claims(signed) }), sequence: changed.sequence };
}

function statementFile(federation: TestFederation, region: RegionId): string {
  return join(federation.directory, 'keys', region, 'public/entity-statement.jwt');
}

/** A new Ed25519 key: its public form, for a statement, and its private one as a file's text. */
export function newSigningKey(kid: string = randomUUID()): [PublicJwk, string] {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const named = { kid, alg: 'EdDSA' };
  return [
    { ...publicKey.export({ format: 'jwk' }), ...named } as PublicJwk,
    JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...named }),
  ];
}

/** Puts a new one into a region's secrets. @returns its public form */
export function newSecretKey(
  federation: TestFederation,
  region: RegionId,
  name: 'log' | 'witness',
  kid?: string,
): PublicJwk {
  const [jwk, text] = newSigningKey(kid);
  const file = join(federation.directory, 'keys', region, 'private', `${name}.jwk.json`);
  writeFileSync(file, text, { mode: 0o600 });
  return jwk;
}
