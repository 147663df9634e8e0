import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { trustCommand } from '../../src/cli/trust.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { NeighbourView } from '../../src/broker/trust-views.ts';
import { claimedStatement } from '../../src/evidence/statement.ts';
import type { BrokerMetadata } from '../../src/trust/entity-statement.ts';
import { fetchStatement } from '../../src/upstream/statement-fetch.ts';
import type { Ran } from '../support/command.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { snapshotOf } from '../support/own-pair.ts';
import { until } from '../support/until.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';
import { called } from './in-process.ts';

export const HWE = 'herts-west-essex';
export const LONDON = 'london';
const PATIENT_OF = { [LONDON]: '9990000018', [HWE]: '9990000026' } as const;

/** What a command for rotations answers with `--json`. */
export interface Told {
  readonly stage?: string;
  readonly done?: boolean;
  readonly keys?: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly names?: readonly string[];
  readonly leftBehind?: readonly string[];
  readonly notAsked?: readonly string[];
  readonly neighbours?: readonly {
    readonly region: string;
    readonly ready: boolean;
    readonly step?: string;
    readonly code?: string;
  }[];
}

/** London changes its own keys by commands, beside its running broker; Herts and West Essex is its one neighbour. */
export class Rotating {
  readonly federation: TestFederation;
  /** What Herts and West Essex gets where it looks for London's statement; undefined: what London serves. */
  readonly #gate: { given: string | undefined };
  #files = 0;

  private constructor(federation: TestFederation, gate: { given: string | undefined }) {
    this.federation = federation;
    this.#gate = gate;
  }

  static async start(
    neighbours: (region: RegionId, all: RawConfig[]) => RawConfig[] = bothOfTwo,
  ): Promise<Rotating> {
    const gate = { given: undefined as string | undefined };
    const federation = await startFederation({
      regions: [HWE, LONDON],
      edit: (region, config) => {
        config['neighbours'] = neighbours(region, config['neighbours'] as RawConfig[]);
      },
      fetchStatement: (region, base) =>
        region === HWE && gate.given !== undefined ? Promise.resolve(gate.given) : fetchStatement(base),
    });
    return new Rotating(federation, gate);
  }

  stop(): Promise<void> {
    return this.federation.stop();
  }

  get keys(): string {
    return join(this.federation.directory, 'keys', LONDON);
  }

  path(...names: string[]): string {
    return join(this.keys, ...names);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  kid(name: string): string {
    return (JSON.parse(this.read(`private/${name}`)) as { kid: string }).kid;
  }

  fresh(name: string): string {
    return join(this.federation.directory, `${(this.#files += 1)}-${name}`);
  }

  /** Every file of London's own keys: what a refusal must not change. */
  snapshot(): Record<string, string> {
    return snapshotOf(this.keys);
  }

  broker(): BrokerMetadata {
    return claimedStatement(this.read('public/entity-statement.jwt')).metadata.wayleave_broker;
  }

  trust(...words: string[]): Promise<Ran> {
    return called(trustCommand, words);
  }

  rotate(what: 'signing' | 'tls', step: string, ...more: string[]): Promise<Ran> {
    const config = join(this.federation.directory, `${LONDON}.yaml`);
    const steps = step === '' ? [] : [step];
    return this.trust('rotate', what, ...steps, '--config', config, ...more);
  }

  /** @returns what it printed with `--json` */
  async done(what: 'signing' | 'tls', step: string, ...more: string[]): Promise<Told> {
    const { code, out, err } = await this.rotate(what, step, ...more, '--json');
    assert.equal(code, 0, `${step}: ${err}${out}`);
    return JSON.parse(out) as Told;
  }

  /** It ends so, and changes none of our keys, certificates and statements. */
  async refused(exit: number, what: 'signing' | 'tls', step: string, ...more: string[]): Promise<Told> {
    const before = this.snapshot();
    const { code, out, err } = await this.rotate(what, step, ...more, '--json');
    assert.equal(code, exit, `${step}: ${err}${out}`);
    assert.ok(err.length > 0);
    assert.deepEqual(this.snapshot(), before);
    return out === '' ? {} : (JSON.parse(out) as Told);
  }

  /** Signs claims where the federation key is, and puts the statement in place: London's broker serves it then. */
  async signed(claims: string): Promise<void> {
    const statement = this.path('public/entity-statement.jwt');
    const words = ['--key', this.path('offline/federation.jwk.json'), '--statement', claims];
    const { code, err } = await this.trust('sign', ...words, '--after', statement, '--out', statement);
    assert.equal(code, 0, err);
    const { sequence } = this.broker();
    await until(async () => (await this.federation.broker(LONDON).status()).own.statement === sequence);
  }

  /** Lets Herts and West Essex look for London's statement, until the one in place is in force there, or waits. */
  async seen(): Promise<'taken' | 'pending'> {
    const { sequence } = this.broker();
    let found: 'taken' | 'pending' | undefined;
    await until(async () => {
      // A look that was under way already may have seen the one before.
      await this.refresh();
      const { statement, pending } = this.londonAtHwe();
      if (pending?.statement.sequence === sequence) found = 'pending';
      else if (statement?.sequence === sequence) found = 'taken';
      return found !== undefined;
    });
    return found ?? assert.fail();
  }

  async refresh(): Promise<string> {
    return await this.federation.broker(HWE).trust.refresh(LONDON);
  }

  /** From now on Herts and West Essex sees no later statement of London's than the present one; or all again. */
  holdBack(hold = true): void {
    this.#gate.given = hold ? this.read('public/entity-statement.jwt').trim() : undefined;
  }

  /** An officer of Herts and West Essex approves what waits of London's. */
  async approved(): Promise<void> {
    const desk = this.federation.broker(HWE).trust;
    const digest = this.londonAtHwe().pending?.statement.digest ?? assert.fail('nothing waits');
    await desk.approve(LONDON, digest, { by: 'officer-1', why: 'read to each other on the telephone' });
  }

  /** London's broker starts anew with what is in place. */
  async restart(): Promise<void> {
    await this.federation.stopBroker(LONDON);
    await this.federation.startBroker(LONDON);
  }

  londonAtHwe(): NeighbourView {
    const { neighbours } = this.federation.broker(HWE).trust.list();
    return neighbours.find(({ region }) => region === LONDON) ?? assert.fail();
  }

  /** Both ask each other, and both are answered. */
  async bothAnswer(): Promise<void> {
    for (const [from, to] of [
      [HWE, LONDON],
      [LONDON, HWE],
    ] as const) {
      const viewer = new TestViewer(this.federation, from);
      try {
        const patient = PATIENT_OF[to];
        const { body } = await viewer.ask(patient, `/fhir/Condition?patient=${patient}`);
        assert.equal(rollCallOf(body)[to]?.[0], 'answered', `${from} asks ${to}`);
      } finally {
        viewer.close();
      }
    }
  }
}

function bothOfTwo(_region: RegionId, all: RawConfig[]): RawConfig[] {
  return all.filter(({ region }) => region === HWE || region === LONDON);
}
