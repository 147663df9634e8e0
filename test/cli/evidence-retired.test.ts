import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { EvidenceFile } from '../../src/audit/proof/evidence-file.ts';
import { readSelfSigned } from '../../src/audit/proof/statements.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { PublicJwk } from '../../src/trust/entity-statement.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { signAnew, statementWith, newSigningKey } from '../support/statement.ts';
import { until } from '../support/until.ts';
import { TestViewer } from '../support/viewer.ts';
import { exportedFrom, verified } from './evidence-run.ts';

const PATIENT = '9990000018';
const [HWE, LONDON] = ['herts-west-essex', 'london'] as const;
const SAID = { by: 'officer-1', why: 'the telephone said so' };

describe('evidence of what a retired key signed', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let id: string;
  let jti: string;
  let former: PublicJwk;
  let first: number;
  before(async () => {
    federation = await startFederation({ regions: [HWE, LONDON] });
    viewer = new TestViewer(federation, HWE);
    const { headers } = await viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`);
    id = String(headers['x-request-id']);
    const sent = (await readAudit(federation.config(HWE))).find(({ event }) => event === 'query-sent');
    jti = sent?.jti ?? assert.fail();
    former = JSON.parse(readFileSync(file('public/message.jwk.json'), 'utf8')) as PublicJwk;
    first = held()?.sequence ?? assert.fail();
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const file = (...names: string[]): string => join(federation.directory, 'keys', LONDON, ...names);
  const put = (name: string, text: string): void => {
    writeFileSync(file(`${name}.new`), text, { mode: 0o600 });
    renameSync(file(`${name}.new`), file(name));
  };
  const logged = (word: string): boolean => federation.logged.some((line) => line.includes(word));
  const held = () =>
    federation
      .broker(HWE)
      .trust.list()
      .neighbours.find(({ region }) => region === LONDON)?.statement;
  /** Both brokers have it: London as its own, the other as London's. */
  const taken = async (sequence: number): Promise<void> => {
    await until(
      async () => (await federation.broker(LONDON).status()).own.statement === sequence,
      `statement ${sequence} at london`,
    );
    await until(async () => {
      const looked = await federation.broker(HWE).trust.refresh(LONDON);
      const pending = federation
        .broker(HWE)
        .trust.list()
        .neighbours.find(({ region }) => region === LONDON)?.pending;
      if (looked === 'pending' && pending !== undefined)
        await federation.broker(HWE).trust.approve(LONDON, pending.statement.digest, SAID);
      return held()?.sequence === sequence;
    }, `statement ${sequence} at herts-west-essex`);
  };
  const ends: readonly [RegionId, () => string][] = [
    [HWE, () => id],
    [LONDON, () => jti],
  ];
  const london = async ({ statements }: EvidenceFile): Promise<number[]> =>
    (await Promise.all(statements.map(readSelfSigned)))
      .filter(({ broker }) => broker.region === LONDON)
      .map(({ broker }) => broker.sequence);

  it('says nothing of it while the key is listed', async () => {
    for (const [region, name] of ends) {
      const verdict = await verified(federation, await exportedFrom(federation, region, name()));
      assert.deepEqual([verdict.code, verdict.of('key-retired')], [0, []]);
    }
  });

  it('verifies, at either end, and tells which statement listed the key, and which no more', async () => {
    const [next, secret] = newSigningKey('next');
    await taken(
      await signAnew(federation, LONDON, ({ message_keys: keys }) => ({ message_keys: [...keys, next] })),
    );
    put('private/message.jwk.json', secret);
    await until(() => logged('"kid":"next"'), 'the key used');
    const dropped = await signAnew(federation, LONDON, () => ({ message_keys: [next] }));
    await taken(dropped);
    for (const [region, name] of ends) {
      const one = await exportedFrom(federation, region, name());
      const verdict = await verified(federation, one);
      assert.deepEqual([verdict.code, verdict.clean], [0, true]);
      const told = verdict.of('key-retired').map(({ retired }) => retired);
      assert.equal(told.length, 1, region);
      const [retired = assert.fail()] = told;
      assert.deepEqual([retired.region, retired.kid], [LONDON, former.kid]);
      assert.equal(retired.listed.statement, first);
      assert.equal(retired.dropped.statement, dropped);
      assert.ok(retired.listed.issued <= retired.dropped.issued);
      assert.ok(verdict.said.includes(former.kid));
      // What is said of a key that is listed no more leans on the statements of then.
      const alone = { ...one, statements: [] as string[] };
      for (const token of one.statements) {
        const { broker } = await readSelfSigned(token);
        const lists = broker.message_keys.some((key) => key.x === former.x);
        if (broker.region !== LONDON || !lists) alone.statements.push(token);
      }
      assert.equal((await verified(federation, alone)).code, 1);
    }
  });

  it('leads from a former federation key to the one of now, through the statements between', async () => {
    const [jwk, secret] = newSigningKey('federation-2');
    const original = JSON.parse(readFileSync(file('public/federation.jwks.json'), 'utf8')) as {
      keys: PublicJwk[];
    };
    put('offline/next.jwk.json', secret);
    // As `trust sign` has it: published by the former key, used while both are listed, and alone only then.
    const steps = [
      { key: 'offline/federation.jwk.json', keys: [...original.keys, jwk] },
      { key: 'offline/next.jwk.json', keys: [...original.keys, jwk] },
      { key: 'offline/next.jwk.json', keys: [jwk] },
    ];
    put('public/federation.jwks.json', JSON.stringify({ keys: [...original.keys, jwk] }));
    const signed: number[] = [];
    for (const { key, keys } of steps) {
      const claims = () => ({ jwks: { keys } });
      const { token, sequence } = await statementWith(federation, LONDON, undefined, { key, claims });
      put('public/entity-statement.jwt', token);
      await taken(sequence);
      signed.push(sequence);
    }
    put('public/federation.jwks.json', JSON.stringify({ keys: [jwk] }));
    const known = [
      ...['--federation-key', file('public/federation.jwks.json')],
      ...['--federation-key', join(federation.directory, 'keys', HWE, 'public/federation.jwks.json')],
    ];
    for (const [region, name] of ends) {
      const one = await exportedFrom(federation, region, name());
      const [, between = 0, last = 0] = signed;
      const sequences = await london(one);
      assert.ok(
        [first, between, last].every((each) => sequences.includes(each)),
        `${sequences.join()}`,
      );
      const verdict = await verified(federation, one, ...known);
      assert.deepEqual([verdict.code, verdict.clean], [0, true], verdict.said);
      assert.equal(verdict.of('key-in-force').length, 0);

      // Without the statement between, the former key is anybody's.
      const broken = { ...one, statements: [] as string[] };
      for (const token of one.statements) {
        const { broker } = await readSelfSigned(token);
        if (broker.region !== LONDON || broker.sequence !== between) broken.statements.push(token);
      }
      const refused = await verified(federation, broken, ...known);
      assert.equal(refused.code, 1);
      assert.ok(refused.of('statement').some(({ result }) => result === 'failed'));
      // Of the former key alone nobody can tell whose the statement of now is.
      writeFileSync(file('former.jwks.json'), JSON.stringify(original));
      const old = await verified(
        federation,
        one,
        '--federation-key',
        file('former.jwks.json'),
        ...known.slice(2),
      );
      assert.ok(old.of('federation-key').some(({ result }) => result === 'failed'));
    }
  });
});
