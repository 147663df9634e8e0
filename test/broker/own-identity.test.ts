import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { StartError } from '../../src/errors.ts';
import { importSigner } from '../../src/evidence/keys.ts';
import { AskingLoad } from '../support/asking-load.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { signAnew, statementWith, newSigningKey } from '../support/statement.ts';
import { until } from '../support/until.ts';
import { errorCode, rollCallOf, TestViewer } from '../support/viewer.ts';

const [HWE, LONDON] = ['herts-west-essex', 'london'] as const;
const OF_LONDON = '9990000018';
const OF_HWE = '9990000026';

describe('our own statement and message key, changed while the broker runs', () => {
  let federation: TestFederation;
  const viewers: TestViewer[] = [];
  beforeEach(async () => {
    federation = await startFederation({ regions: [HWE, LONDON] });
    viewers.push(new TestViewer(federation, HWE), new TestViewer(federation, LONDON));
  });
  afterEach(async () => {
    for (const viewer of viewers.splice(0)) viewer.close();
    await federation.stop();
  });

  const file = (...names: string[]): string => join(federation.directory, 'keys', LONDON, ...names);
  const ask = async (nth: number, patient: string, region: string): Promise<string[] | undefined> => {
    const { body } =
      (await viewers[nth]?.ask(patient, `/fhir/Condition?patient=${patient}`)) ?? assert.fail();
    return rollCallOf(body)[region];
  };
  const londonAtHwe = () =>
    federation
      .broker(HWE)
      .trust.list()
      .neighbours.find(({ region }) => region === LONDON)?.statement;
  const kids = (): string[] | undefined => londonAtHwe()?.messageKeys.map(({ kid }) => kid);
  const put = (name: string, text: string): void => {
    writeFileSync(file(`${name}.new`), text, { mode: 0o600 });
    renameSync(file(`${name}.new`), file(name));
  };
  const faults = (): string[] => federation.logged.filter((line) => line.includes('stay as they were'));

  it('rotates the signing key under load without one query that fails; then the former key is refused', async () => {
    const former = await importSigner(
      JSON.parse(readFileSync(file('private/message.jwk.json'), 'utf8')) as object,
    );
    const [next, secret] = newSigningKey('next');
    const ofLondon = async () => (await ask(0, OF_LONDON, LONDON))?.[0];
    const fromLondon = async () => (await ask(1, OF_HWE, HWE))?.[0];
    const load = new AskingLoad([ofLondon, fromLondon, ofLondon, fromLondon], 'answered');

    // Published first: what neighbours hear in the next message makes them look.
    const published = await signAnew(federation, LONDON, ({ message_keys: keys }) => ({
      message_keys: [...keys, next],
    }));
    await until(() => kids()?.includes('next') === true, 'the key published');
    assert.equal(londonAtHwe()?.sequence, published);
    // Then used.
    put('private/message.jwk.json', secret);
    await until(() => federation.logged.some((line) => line.includes('"kid":"next"')), 'the key used');
    await load.more(20);
    // Then the former one goes.
    await signAnew(federation, LONDON, () => ({ message_keys: [next] }));
    // A day later in life: it looks no more than once in half a minute.
    await until(async () => {
      await federation.broker(HWE).trust.refresh(LONDON);
      return kids()?.length === 1;
    }, 'the former key retired');
    await load.stop();
    assert.deepEqual(load.failed, []);

    const london = new TestNeighbour(federation, LONDON);
    const query = await london.query(HWE, OF_LONDON, {}, { signer: former });
    const refused = await london.send(HWE, query);
    assert.deepEqual([refused.status, errorCode(refused.body)], [401, 'unknown-kid']);
    const told = (await readAudit(federation.config(LONDON))).filter(
      ({ outcome }) => outcome === 'own-identity',
    );
    assert.deepEqual(
      told.map(({ detail }) => (detail as { signs_with: string }).signs_with === 'next'),
      [false, true, true],
    );
  });

  it('stays as it is while the files are not who we are, says so once, and is taken when they are', async () => {
    const good = readFileSync(file('public/entity-statement.jwt'), 'utf8');
    const { token: without } = await statementWith(federation, LONDON, () => ({
      message_keys: [newSigningKey('other')[0]],
    }));
    const { token: lower } = await statementWith(federation, LONDON, () => ({ sequence: 0 }));
    const { token: same } = await statementWith(federation, LONDON, ({ sequence }) => ({
      sequence,
      contact: 'x',
    }));
    const { token: foreign } = await statementWith(federation, LONDON, undefined, {
      key: 'private/log.jwk.json',
    });
    const claims = ({ iat }: { iat: number }) => ({ iat: iat - 1 });
    const { token: earlier } = await statementWith(federation, LONDON, undefined, { claims });
    const all = [without, good.slice(0, 400), lower, same, foreign, earlier];
    for (const [nth, wrong] of all.entries()) {
      put('public/entity-statement.jwt', wrong);
      await until(() => faults().length > nth, `fault ${nth}`);
      assert.deepEqual(await ask(0, OF_LONDON, LONDON), ['answered', 'care-location']);
    }
    const { token, sequence } = await statementWithout(good);
    put('public/entity-statement.jwt', token);
    await until(() => londonAtHwe()?.sequence === sequence || asking(), 'the good one');
    assert.equal(londonAtHwe()?.sequence, sequence);
  });

  it('starts with the last whole statement where a crash has cut its file, says so, and takes the mended one', async () => {
    const good = readFileSync(file('public/entity-statement.jwt'), 'utf8');
    for (const cut of [good.slice(0, good.length / 2), good.slice(0, -20), '']) {
      await federation.stopBroker(LONDON);
      put('public/entity-statement.jwt', cut);
      const before = faults().length;
      await federation.startBroker(LONDON);
      assert.equal(faults().length, before + 1);
      assert.notEqual((await federation.broker(LONDON).status()).own.fault, undefined);
      assert.deepEqual(await ask(0, OF_LONDON, LONDON), ['answered', 'care-location']);
    }
    const { token, sequence } = await statementWithout(good);
    put('public/entity-statement.jwt', token);
    await until(() => londonAtHwe()?.sequence === sequence || asking(), 'the mended one');
    assert.deepEqual((await federation.broker(LONDON).status()).own, { statement: sequence });
  });

  it('does not start with a former statement for any other reason', async () => {
    const { token } = await statementWith(federation, LONDON, () => ({
      message_keys: [newSigningKey('other')[0]],
    }));
    await federation.stopBroker(LONDON);
    put('public/entity-statement.jwt', token);
    await assert.rejects(federation.startBroker(LONDON), StartError);
  });

  /** Each question brings a message of London's, which says which statement it has. */
  function asking(): false {
    void ask(0, OF_LONDON, LONDON);
    return false;
  }

  async function statementWithout(good: string): Promise<{ token: string; sequence: number }> {
    put('public/entity-statement.jwt', good);
    return await statementWith(federation, LONDON, ({ sequence }) => ({ sequence: sequence + 5 }));
  }
});
