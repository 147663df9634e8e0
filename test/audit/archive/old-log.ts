import { createReadStream, existsSync } from 'node:fs';
import type { KeyObject } from 'node:crypto';

import type { ArchiveSettings } from '../../../src/audit/archive/archive-log.ts';
import { statementsAtHand } from '../../../src/audit/proof/statement-history.ts';
import { byRegion, checkpointKeys, readSelfSigned } from '../../../src/audit/proof/statements.ts';
import { AuditLog } from '../../../src/audit/log.ts';
import { Keyring } from '../../../src/audit/sealing.ts';
import { AuditTrail } from '../../../src/audit/trail.ts';
import { Checkpoints } from '../../../src/audit/witnessing/checkpoints.ts';
import { patientDigestOf } from '../../../src/broker.ts';
import type { Config } from '../../../src/config/load.ts';
import { loadSecrets } from '../../../src/config/secrets.ts';
import { segmentShelf } from '../../../src/cli/segment-shelf.ts';
import type { RegionId } from '../../../src/demo/places.ts';
import type { Store } from '../../../src/store/contracts.ts';
import { cosign } from '../../../src/tlog/checkpoint.ts';
import { parseNote } from '../../../src/tlog/note.ts';
import { logOrigin, witnessName } from '../../../src/tlog/origin.ts';
import type { PublicJwk } from '../../../src/trust/entity-statement.ts';
import type { TestFederation } from '../../support/federation.ts';
import { keyOf } from '../evidence-of.ts';

export const DAY = 86_400_000;
export const PATIENT = '9990000018';
export const OTHER = '9990000026';
export const USER = 'https://herts-west-essex.wayleave.example/viewers/hwe-viewer/Id/user|dr.test';

/** A region's log in a store of a test's own, with a clock of its own: it can have been written long ago. */
export class OldLog {
  at = Date.now() - 500 * DAY;
  readonly origin: string;
  readonly store: Store;
  readonly log: AuditLog;
  readonly trail: AuditTrail;
  readonly checkpoints: Checkpoints;
  readonly digest: (value: string) => string;
  readonly config: Config;
  readonly #witness: { readonly name: string; readonly key: KeyObject };

  private constructor(store: Store, config: Config, logKey: KeyObject, witness: OldLog['witness']) {
    this.store = store;
    this.config = config;
    this.#witness = witness;
    const secrets = loadSecrets(config.secretsDirectory);
    this.origin = logOrigin(config.entity, config.replica);
    this.digest = patientDigestOf(secrets);
    const now = (): number => this.at;
    const keyring = new Keyring(secrets.auditKeys);
    this.log = new AuditLog({ store: store.log, origin: this.origin, keyring, digest: this.digest, now });
    this.trail = new AuditTrail(this.log, store.log, now);
    const own = { log: store.log, checkpoints: store.checkpoints, origin: this.origin };
    this.checkpoints = new Checkpoints({ ...own, key: logKey, now });
  }

  /** @param witness the neighbour that cosigns */
  static async open(
    federation: TestFederation,
    store: Store,
    region: RegionId = 'herts-west-essex',
    witness: RegionId = 'london',
  ): Promise<OldLog> {
    const config = federation.config(region);
    const entity = config.neighbours.find((one) => one.region === witness)?.entity ?? '';
    const cosigner = { name: witnessName(entity), key: await keyOf(federation, witness, 'witness') };
    return new OldLog(store, config, await keyOf(federation, region, 'log'), cosigner);
  }

  get witness(): { readonly name: string; readonly key: KeyObject } {
    return this.#witness;
  }

  /** The same log in the same store, opened again. */
  async again(store: Store, federation: TestFederation): Promise<OldLog> {
    const opened = await OldLog.open(federation, store);
    opened.at = this.at;
    return opened;
  }

  /** Entries of answered queries, a second apart; every other one about `PATIENT`. */
  async write(count: number): Promise<void> {
    for (let nth = 0; nth < count; nth += 1) {
      const exchange = `old-${(await this.store.log.head(this.origin)).size}`;
      const nhsNumber = nth % 2 === 0 ? PATIENT : OTHER;
      this.at += 1_000;
      const resources = [{ record: 'r', resource: `Condition/${nth}`, digest: 'd'.repeat(43) }];
      const told = { outcome: 'answered', count: 1, resources };
      const asking = { exchange, nhsNumber, user: USER, organisation: 'RQW', role: 'R8000' };
      await this.trail.queryAnswered(asking, 'london', told);
    }
  }

  /** The same, many at once and without what is sealed. */
  async writeMany(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 2_000) {
      this.at += 1_000;
      const some = Array.from({ length: Math.min(left, 2_000) }, (_, nth) => ({
        ...{ event: 'objections-imported' as const, exchange: `many-${left}-${nth}` },
        facts: { count: nth },
      }));
      await this.log.append(some);
    }
  }

  /** Signs the head, and has it cosigned. @returns how many entries it covers */
  async sign(cosigned = true): Promise<number> {
    const signed = await this.checkpoints.sign();
    const seconds = Math.floor(this.at / 1_000);
    const { name, key } = this.#witness;
    const { text } = parseNote(signed.note);
    if (cosigned) await this.checkpoints.cosigned(signed, cosign(text, name, key, seconds));
    return signed.size;
  }

  /** As our own statement lists them. */
  async logKeys(): Promise<PublicJwk[]> {
    return (await readSelfSigned(this.config.statementToken.trim())).broker.log_keys;
  }

  /** @param directory where the files lie */
  async settings(directory: string, now = (): number => Date.now()): Promise<ArchiveSettings> {
    const statements = statementsAtHand(this.config, this.store.statements);
    const { own: ours, others } = statements;
    const regions = byRegion(
      await Promise.all([ours, ...others].map((token) => readSelfSigned(token.trim()))),
    );
    const own = regions.find(({ entity }) => entity === this.config.entity);
    return {
      ...{ origin: this.origin, store: this.store, trail: this.trail, now },
      shelf: segmentShelf(directory),
      statements,
      keys: await checkpointKeys(this.origin, own, regions),
    };
  }
}

export async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** A file's bytes as they come from a disk: some at a time. */
export async function* inChunks(bytes: Buffer, size = 1_000): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function drain<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export const fileOf = (file: string): (() => AsyncIterable<Uint8Array>) => {
  if (!existsSync(file)) throw new TypeError('no such file');
  return () => createReadStream(file);
};
