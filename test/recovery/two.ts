import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { LogStatus } from '../../src/audit/audit-room.ts';
import { backupCommand } from '../../src/cli/backup.ts';
import { restoreCommand } from '../../src/cli/restore.ts';
import { trustCommand } from '../../src/cli/trust.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { called } from '../cli/in-process.ts';
import { readAudit } from '../support/audit.ts';
import type { Ran } from '../support/command.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { soon } from '../support/soon.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

export const PATIENT = '9990000018';
export const HERTS: RegionId = 'herts-west-essex';
export const LISTED = 'london.wayleave.example/log/1';
export const CONFIRMED = ['--reason', 'all is as it was', '--by', 'B. Admin'];
/** Neither runs in these tests. */
export const ABSENT = ['essex-suffolk', 'west-midlands'];

/** Two regions that witness each other, and what the tests do to London's store. */
export class Two implements AsyncDisposable {
  readonly federation: TestFederation;
  readonly viewer: TestViewer;

  private constructor(federation: TestFederation) {
    this.federation = federation;
    this.viewer = new TestViewer(federation, HERTS, 'hwe-viewer');
  }

  static async start(edit: (region: RegionId, config: RawConfig) => void = () => undefined): Promise<Two> {
    return new Two(
      await startFederation({
        regions: [HERTS, 'london'],
        edit: (region, config) => {
          config['checkpoint_ms'] = 150;
          edit(region, config);
        },
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.viewer.close();
    await this.federation.stop();
  }

  get file(): string {
    return this.federation.config('london').store.slice('sqlite:'.length);
  }

  at(name: string): string {
    return join(this.federation.directory, name);
  }

  on(region: RegionId = 'london'): string[] {
    return ['--config', join(this.federation.directory, `${region}.yaml`)];
  }

  confirm(...words: string[]): Promise<Ran> {
    return called(trustCommand, ['confirm', ...CONFIRMED, '--json', ...words, ...this.on()]);
  }

  async ask(): Promise<string[] | undefined> {
    const { body } = await this.viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    return rollCallOf(body)['london'];
  }

  async status() {
    return this.federation.broker('london').status();
  }

  async sizeOf(): Promise<number> {
    return (await readAudit(this.federation.config('london'))).length;
  }

  /** Until Hertfordshire has cosigned all that London wrote. @returns how much that is */
  async cosigned(): Promise<number> {
    return soon(async () => {
      const size = await this.sizeOf();
      const { witnesses } = (await this.status()).log as LogStatus;
      const seen = witnesses.find(({ region }) => region === HERTS);
      return seen?.size === size && seen.fault === undefined ? size : undefined;
    });
  }

  backup(file: string): Promise<Ran> {
    return called(backupCommand, ['--out', file, '--json', ...this.on()]);
  }

  async restore(file: string): Promise<Ran> {
    for (const beside of ['', '-wal', '-shm']) rmSync(`${this.file}${beside}`, { force: true });
    return called(restoreCommand, [file, '--reason', 'the disk died', '--by', 'A. Admin', ...this.on()]);
  }

  /** London's store as it is now, in one file. */
  copy(name: string): string {
    const database = new DatabaseSync(this.file);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    copyFileSync(this.file, this.at(name));
    return this.at(name);
  }

  /** Puts a copy back, without a word to anybody. */
  putBack(copy: string): void {
    for (const beside of ['-wal', '-shm']) rmSync(`${this.file}${beside}`, { force: true });
    copyFileSync(copy, this.file);
  }

  async opened(): Promise<void> {
    await soon(async () => (await this.status()).ready || undefined);
  }
}
