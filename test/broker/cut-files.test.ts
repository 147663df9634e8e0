import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { openStore } from '../../src/broker.ts';
import { FileCut } from '../../src/config/trust-files.ts';
import { StartError } from '../../src/errors.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { until } from '../support/until.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

const [HWE, LONDON] = ['herts-west-essex', 'london'] as const;
const OF_LONDON = '9990000018';

describe('a start after a crash that has cut a file that trust rests on', () => {
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation({ regions: [HWE, LONDON] });
  });
  after(() => federation.stop());

  const pathOf = (file: string): string => join(federation.directory, 'keys', file);
  const status = () => federation.broker(HWE).status();
  const ofLondon = async (): Promise<string[] | undefined> => {
    const viewer = new TestViewer(federation, HWE);
    const { body } = await viewer.ask(OF_LONDON, `/fhir/Condition?patient=${OF_LONDON}`);
    viewer.close();
    return rollCallOf(body)[LONDON];
  };
  const startWith = async (file: string, text: (good: string) => string): Promise<void> => {
    const good = readFileSync(pathOf(file), 'utf8');
    writeFileSync(pathOf(file), text(good));
    try {
      await federation.startBroker(HWE);
    } finally {
      writeFileSync(pathOf(file), good);
    }
  };

  const ours = ['tls-server.pem', 'tls-client.pem', 'federation.jwks.json'].map(
    (name) => `${HWE}/public/${name}`,
  );
  const theirs = ['ca.pem', 'federation.jwks.json', 'entity-statement.jwt'].map(
    (name) => `${LONDON}/public/${name}`,
  );
  for (const file of [...ours, ...theirs, `${HWE}/admins/ca.pem`]) {
    it(`begins with the last whole ${file}, and says so`, async () => {
      for (const cut of [(good: string) => good.slice(0, good.length / 2), () => '']) {
        const before = federation.logged.length;
        await federation.stopBroker(HWE);
        await startWith(file, cut);
        assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
        const said = federation.logged.slice(before).filter((line) => line.includes('is cut short'));
        assert.equal(said.length, 1);
        assert.notEqual((await status()).own.fault, undefined);
      }
    });
  }

  it('says of our own certificate that it is cut, and no more once it is whole, without a restart', async () => {
    const file = pathOf(`${HWE}/public/tls-server.pem`);
    const good = readFileSync(file, 'utf8');
    await federation.stopBroker(HWE);
    writeFileSync(file, good.slice(0, good.length / 2));
    await federation.startBroker(HWE);
    await until(async () => (await status()).own.fault !== undefined, 'the fault');
    writeFileSync(file, good);
    await until(async () => (await status()).own.fault === undefined, 'no fault');
  });

  it('never begins with an authority of admins that was taken out while it ran', async () => {
    const admins = pathOf(`${HWE}/admins/ca.pem`);
    const good = readFileSync(admins, 'utf8');
    const { replica } = federation.config(HWE);
    const store = await openStore(federation.config(HWE));
    const kept = async () => (await store.wholeFiles.of(replica)).find(({ file }) => file === admins)?.text;
    const more = good + readFileSync(pathOf(`${LONDON}/admins/ca.pem`), 'utf8');
    for (const text of [more, good]) {
      writeFileSync(admins, text);
      await until(async () => (await kept()) === text, 'what it holds now');
    }
    await store.close();
  });

  it('is as before once every file is whole', async () => {
    await federation.stopBroker(HWE);
    await federation.startBroker(HWE);
    assert.equal((await status()).own.fault, undefined);
    assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
  });

  it('does not begin with what somebody else has put into the store', async () => {
    const stranger = readFileSync(pathOf(`${LONDON}/public/ca.pem`), 'utf8');
    await federation.stopBroker(HWE);
    const store = await openStore(federation.config(HWE));
    const kept = await store.wholeFiles.of(federation.config(HWE).replica);
    await store.wholeFiles.keep(
      kept.filter(({ file }) => file.endsWith('admins/ca.pem')).map((one) => ({ ...one, text: stranger })),
    );
    await store.close();
    const admins = `${HWE}/admins/ca.pem`;
    await assert.rejects(
      startWith(admins, () => ''),
      FileCut,
    );
    await federation.startBroker(HWE);
    await federation.stopBroker(HWE);
    await startWith(admins, () => '');
  });

  it('does not begin where a file is gone, or holds something else', async () => {
    await federation.stopBroker(HWE);
    await assert.rejects(
      startWith(`${LONDON}/public/federation.jwks.json`, () => '{"keys":[]}'),
      StartError,
    );
    await federation.startBroker(HWE);
  });
});
