import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parse, stringify } from 'yaml';

import { ensureStatement } from '../../certs-dev/statements.ts';
import {
  formatEvidence,
  type DecisionEntry,
  type EvidenceFile,
} from '../../src/audit/proof/evidence-file.ts';
import type { ToldRevocation } from '../../src/audit/proof/revocation.ts';
import { evidenceCommand } from '../../src/cli/evidence.ts';
import { trustCommand } from '../../src/cli/trust.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { parseNote } from '../../src/tlog/note.ts';
import { thumbprintOf } from '../../src/trust/peer-certificate.ts';
import { failures } from '../audit/evidence-of.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { until } from '../support/until.ts';
import { TestViewer } from '../support/viewer.ts';
import { exportedFrom, verified, type Verified } from './evidence-run.ts';
import { called } from './in-process.ts';

const PATIENT = '9990000018';
const [HWE, LONDON, ESSEX] = ['herts-west-essex', 'london', 'essex-suffolk'] as const;

describe('evidence of what a revoked key signed', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let kid: string;
  let since: number;
  /** Exchanges of before the compromise and of after it, by their ids. */
  let before_: string;
  let after_: string;

  before(async () => {
    federation = await startFederation({
      regions: [HWE, LONDON, ESSEX],
      edit: (_region, config) => (config['checkpoint_ms'] = 200),
    });
    viewer = new TestViewer(federation, HWE);
    kid = String(new TestNeighbour(federation, LONDON).publicJwk()['kid']);
    before_ = await ask();
    await until(async () => (await cosigners(before_)).includes('essex-suffolk'), 'a cosignature');
    since = Math.ceil(Date.now() / 1000 + 1) * 1000;
    await until(() => Date.now() >= since, 'the compromise');
    after_ = await ask();
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const file = (...names: string[]): string => join(federation.directory, ...names);
  async function ask(): Promise<string> {
    const { headers, status } = await viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`);
    assert.equal(status, 200);
    return String(headers['x-request-id']);
  }
  const of = (id: string, region: RegionId = HWE): Promise<EvidenceFile> =>
    exportedFrom(federation, region, id);
  const cosigners = async (id: string): Promise<string[]> =>
    parseNote((await of(id)).checkpoint).signatures.map(({ name }) => name.split('.')[0] ?? '');
  const decide = async (kind: 'revoke' | 'reinstate', ...words: string[]): Promise<void> => {
    const as = ['--as', file('keys', HWE, 'admins', 'officer-1'), '--config', file(`${HWE}.yaml`)];
    const { code, err } = await called(trustCommand, [kind, LONDON, ...words, '--reason', 'a test', ...as]);
    assert.equal(code, 0, err);
  };
  const verify = (one: EvidenceFile): Promise<Verified> => verified(federation, one);
  const told = (verdict: Verified): ToldRevocation[] =>
    verdict.of('revocation').flatMap(({ revocation }) => revocation ?? []);
  const failed = async (one: EvidenceFile): Promise<string[]> => failures(one);
  const iso = (at: number): string => new Date(at).toISOString();
  /** The file with its decisions changed. */
  const with_ = (one: EvidenceFile, change: (all: DecisionEntry[]) => DecisionEntry[]): EvidenceFile => {
    const { decisions = [], ...rest } = one;
    const changed = change([...decisions]);
    return changed.length === 0 ? rest : { ...rest, decisions: changed };
  };
  const leafChanged = (one: EvidenceFile, from: string, to: string): EvidenceFile => {
    const changed = with_(one, (all) => all.map((each) => ({ ...each, leaf: each.leaf.replace(from, to) })));
    assert.notDeepEqual(changed, one);
    return changed;
  };

  it('is clean before anybody decides anything, and says that this shows no more', async () => {
    const one = await of(after_);
    assert.equal(one.decisions, undefined);
    const verdict = await verify(one);
    assert.deepEqual([verdict.code, verdict.holds, verdict.clean], [0, true, true]);
    assert.deepEqual(
      verdict.of('revocation').map(({ result }) => result),
      ['not-checked'],
    );
  });

  it('warns of what was signed since the compromise, with the dates, and ends with 3', async () => {
    await decide('revoke', '--key', kid, '--because', 'key-compromise', '--since', iso(since));
    const one = await of(after_);
    const verdict = await verify(one);
    assert.deepEqual([verdict.code, verdict.holds, verdict.clean], [3, true, false]);
    const [warned, ...others] = verdict.steps.filter(({ result }) => result === 'warning');
    assert.deepEqual([warned?.check, others], ['revocation', []]);
    const [decision] = (await readAudit(federation.config(HWE))).filter(
      ({ event }) => event === 'trust-decided',
    );
    const { signedAt, ...said } = warned?.revocation ?? assert.fail();
    assert.ok(Date.parse(signedAt) >= since);
    assert.deepEqual(said, {
      ...{ region: LONDON, what: { kind: 'message-key', kid }, reason: 'key-compromise' },
      ...{ compromisedSince: iso(since), revokedAt: iso(decision?.at ?? 0), decidedBy: HWE },
      ...{ log: one.origin, entry: decision?.sequence, proved: true, signed: 'since-compromise' },
    });
    for (const word of ['WARNING', kid, iso(since), iso(decision?.at ?? 0), HWE]) {
      assert.ok(verdict.said.includes(word), word);
    }
    // Who decided, and why in words, stays sealed.
    assert.doesNotMatch(formatEvidence(one), /officer-1|a test/);
  });

  it('tells what was signed before as such, proved where another region had cosigned it by then', async () => {
    const one = await of(before_);
    const verdict = await verify(one);
    assert.equal(verdict.code, 0);
    const [said, ...others] = told(verdict);
    assert.deepEqual([said?.signed, others], ['before-compromise', []]);
    const witnessed = said?.witnessed ?? [];
    assert.ok(witnessed.some(({ witness }) => witness.startsWith('essex-suffolk.')));
    assert.ok(witnessed.every(({ at }) => Date.parse(at) < since));
    assert.ok(!witnessed.some(({ witness }) => witness.startsWith('london.')));

    const [text = '', signatures = ''] = one.checkpoint.split('\n\n');
    const own = signatures.split('\n').filter((line) => line.startsWith(`\u2014 ${one.origin} `));
    const alone = await verify({ ...one, checkpoint: `${text}\n\n${own.join('\n')}\n` });
    assert.equal(alone.code, 0);
    assert.deepEqual(
      alone.of('revocation').map(({ result, revocation }) => [result, revocation?.signed]),
      [
        ['not-checked', 'before-compromise'],
        ['not-checked', undefined],
      ],
    );
  });

  it('is told by the region that decided, and not by the other end', async () => {
    const sent = (await readAudit(federation.config(HWE))).find(
      ({ event, exchange }) => event === 'query-sent' && exchange === after_,
    );
    const theirs = await of(sent?.jti ?? '', LONDON);
    assert.equal(theirs.decisions, undefined);
    assert.equal((await verify(theirs)).code, 0);
  });

  it('shows a decision that was changed in any way', async () => {
    const one = await of(after_);
    const later = String(since + 86_400_000);
    assert.deepEqual(await failed(leafChanged(one, String(since), later)), ['inclusion']);
    assert.deepEqual(await failed(leafChanged(one, `"kid":"${kid}"`, '"kid":"another"')), ['inclusion']);
    assert.deepEqual(await failed(leafChanged(one, '"outcome":"revoked"', '"outcome":"reinstated"')), [
      'inclusion',
      'decision',
    ]);
    assert.deepEqual(await failed(leafChanged(one, '"region":"london"', '"region":"essex-suffolk"')), [
      'inclusion',
    ]);
  });

  it('takes no decision of another region\u2019s log, and no other entry in the place of one', async () => {
    const one = await of(after_);
    const { trust } = federation.broker(LONDON);
    const ours = { kind: 'neighbour' } as const;
    await trust.revoke(HWE, ours, { reason: 'superseded' }, { by: 'officer-1', why: 'a test' });
    const sent = (await readAudit(federation.config(HWE))).find(
      ({ event, exchange }) => event === 'query-sent' && exchange === after_,
    );
    const theirs = await of(sent?.jti ?? '', LONDON);
    await trust.reinstate(HWE, ours, { by: 'officer-1', why: 'a test' });
    assert.equal(theirs.decisions?.length, 1);
    assert.deepEqual(await failed(with_(one, () => [...(theirs.decisions ?? [])])), ['log']);
    const [entry = assert.fail()] = one.entries;
    const { checkpoint, origin } = one;
    const { sequence, leaf, proof } = entry;
    assert.deepEqual(
      await failed(with_(one, () => [{ origin, sequence, leaf, proved: { checkpoint, proof } }])),
      ['decision'],
    );
    assert.deepEqual(await failed(with_(one, (all) => [...all, ...all])), ['decision']);
  });

  it('marks what somebody wrote into it as not proved, and takes it back by nothing like that', async () => {
    const one = await of(after_);
    const [real = assert.fail()] = one.decisions ?? [];
    const { proved: _proof, ...bare } = real;
    const invented = with_(one, () => [
      { ...bare, leaf: bare.leaf.replace('key-compromise', 'ca-compromise') },
    ]);
    const verdict = await verify(invented);
    assert.deepEqual([verdict.code, told(verdict).map(({ proved }) => proved)], [3, [false]]);
    const { decision } = (JSON.parse(bare.leaf) as { detail: { decision: number } }).detail;
    const leaf = bare.leaf
      .replace('"outcome":"revoked"', '"outcome":"reinstated"')
      .replace(`"decision":${decision}`, `"decision":${decision + 1}`);
    assert.notEqual(leaf, bare.leaf);
    const takenBack = await verify(with_(one, (all) => [...all, { ...bare, leaf }]));
    assert.deepEqual(
      told(takenBack).map(({ signed, reinstatedAt, proved }) => [signed, reinstatedAt, proved]),
      [['since-compromise', undefined, true]],
    );
  });

  it('refuses every byte of it that is another', async function () {
    this.timeout(120_000);
    const one = await of(after_);
    const bytes = Buffer.from(formatEvidence(one));
    for (let at = bytes.indexOf('"decisions"'); at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      const near = bytes.subarray(Math.max(at - 20, 0), at + 20).toString();
      assert.notDeepEqual(await failures(changed), [], `byte ${at} of ${near}`);
    }
  });

  it('cannot tell that all of it was taken out, and says that it cannot', async () => {
    const one = await of(after_);
    const verdict = await verify(with_(one, () => []));
    assert.equal(verdict.code, 0);
    assert.deepEqual(
      verdict.of('revocation').map(({ result }) => result),
      ['not-checked'],
    );
  });

  it('can tell it where another decision about the same neighbour is left', async () => {
    await decide('revoke', '--because', 'superseded');
    const both = await of(after_);
    await decide('reinstate');
    assert.equal(both.decisions?.length, 2);
    assert.equal((await verify(both)).code, 3);
    assert.deepEqual(await failed(with_(both, (all) => all.slice(1))), ['decision']);
    assert.deepEqual(await failed(with_(both, (all) => all.toReversed())), ['decision']);
  });

  it('tells who was reinstated with both dates, and what was signed after that as clean', async () => {
    const reinstatedAt = Date.now();
    await decide('reinstate', '--key', kid);
    const verdict = await verify(await of(after_));
    assert.equal(verdict.code, 3);
    const warned = told(verdict).find(({ signed }) => signed === 'since-compromise');
    assert.ok(Date.parse(warned?.reinstatedAt ?? '') >= reinstatedAt);
    await until(() => Date.now() > reinstatedAt + 2_000, 'a second of its own');
    const third = await of(await ask());
    const clean = await verify(third);
    assert.deepEqual([clean.code, clean.clean], [0, true]);
    assert.deepEqual([...new Set(told(clean).map(({ signed }) => signed))], ['after-reinstatement']);
    // Without the revocation, what takes it back shows that there was one.
    const [first = assert.fail()] = third.decisions ?? [];
    const halved = await failed(with_(third, (all) => all.filter((each) => each !== first)));
    assert.deepEqual(halved, ['decision']);
  });

  it('warns of everything, where nobody said since when', async () => {
    await decide('revoke', '--key', kid, '--because', 'key-compromise');
    const verdict = await verify(await of(before_));
    assert.equal(verdict.code, 3);
    assert.ok(told(verdict).some(({ signed }) => signed === 'compromise-undated'));
    await decide('reinstate', '--key', kid);
  });

  it('warns of a message that was bound to a certificate in another\u2019s hands', async () => {
    const certificate = file('keys', LONDON, 'public/tls-server.pem');
    const thumbprint = thumbprintOf(new X509Certificate(readFileSync(certificate)));
    await decide('revoke', '--certificate', certificate, '--since', iso(since));
    const warned = told(await verify(await of(after_))).find(({ what }) => what.kind === 'certificate');
    assert.deepEqual(
      [warned?.what, warned?.signed],
      [{ kind: 'certificate', thumbprint }, 'since-compromise'],
    );
    await decide('reinstate', '--certificate', certificate);
    // Its client certificate signed nothing here.
    await decide('revoke', '--certificate', file('keys', LONDON, 'public/tls-client.pem'));
    const client = thumbprintOf(
      new X509Certificate(readFileSync(file('keys', LONDON, 'public/tls-client.pem'))),
    );
    assert.ok(!formatEvidence(await of(after_)).includes(`"thumbprint":"${client}"`));
  });

  it('counts a region whose keys were in another\u2019s hands as no witness, and warns of its cosignature', async () => {
    const trust = federation.broker(HWE).trust;
    const said = { by: 'officer-1', why: 'a test' };
    await trust.revoke(
      ESSEX,
      { kind: 'neighbour' },
      { reason: 'key-compromise', compromisedSince: since - 86_400_000 },
      said,
    );
    const verdict = await verify(await of(before_));
    await trust.reinstate(ESSEX, { kind: 'neighbour' }, said);
    assert.equal(verdict.code, 3);
    const warned = verdict.steps.filter(({ result }) => result === 'warning');
    assert.ok(warned.some(({ revocation }) => revocation?.region === ESSEX));
    const early = told(verdict).find(({ signed }) => signed === 'before-compromise');
    assert.equal(early?.witnessed, undefined);
  });

  it('tells what no checkpoint covers yet without a proof, and warns that there is none', async () => {
    await federation.stopBroker(HWE);
    const config = parse(readFileSync(file(`${HWE}.yaml`), 'utf8')) as RawConfig;
    writeFileSync(file(`${HWE}.yaml`), stringify({ ...config, replica: '2' }));
    await ensureStatement(file(`${HWE}.yaml`), file('keys', HWE), Date.now());
    await federation.startBroker(HWE);
    await decide('revoke', '--key', kid, '--because', 'superseded');
    const [proved, bare] = await Promise.all([of(after_), of(after_)]);
    const own = proved.decisions?.at(-1);
    assert.match(proved.origin, /\/log\/1$/);
    assert.match(own?.origin ?? '', /\/log\/2$/);
    assert.notEqual(own?.proved, undefined);
    const verdict = await verify(proved);
    assert.deepEqual(
      verdict.of('decision').filter(({ result }) => result === 'failed'),
      [],
    );
    assert.ok(told(verdict).some(({ log, signed }) => log === own?.origin && signed === 'before-revocation'));

    const unproved = with_(bare, (all) => all.map(({ proved: _proof, ...rest }) => rest));
    const warned = await verify(unproved);
    assert.equal(warned.code, 3);
    assert.deepEqual([...new Set(warned.of('decision').map(({ result }) => result))], ['warning']);
    const notProved = told(warned);
    assert.ok(notProved.length > 0 && notProved.every(({ proved }) => !proved));
    assert.ok(warned.of('revocation').every(({ result }) => result !== 'ok'));
    assert.ok(verdict.of('revocation').some(({ result }) => result === 'ok'));
    assert.match(warned.said, /revocation .*NOT PROVED/);
    // As entries were before they said openly what was decided.
    const silent = with_(unproved, (all) =>
      all.slice(-1).map((each) => ({ ...each, leaf: each.leaf.replace('"decided":', '"said":') })),
    );
    assert.equal((await verify(silent)).code, 3);
    const foreign = with_(unproved, (all) =>
      all.map((each) => ({ ...each, origin: 'london.wayleave.example/log/1' })),
    );
    assert.ok((await failed(foreign)).includes('log'));
  });

  it('finds the entry of a decision in its own log, whatever exchange of another log bears the same id', async () => {
    const one = await of(after_);
    const first = one.decisions?.at(0);
    assert.match(first?.origin ?? '', /\/log\/1$/);
    const { exchange } = JSON.parse(first?.leaf ?? '') as { exchange: string };
    // A viewer names its request after what it read in a file; the log that is written now is the second one.
    const path = `/fhir/AllergyIntolerance?patient=${PATIENT}`;
    const { headers } = await viewer.ask(PATIENT, path, { headers: { 'X-Request-Id': exchange } });
    assert.equal(headers['x-request-id'], exchange);
    const anew = await of(after_);
    assert.deepEqual(
      anew.decisions?.map(({ origin, sequence }) => [origin, sequence]),
      one.decisions?.map(({ origin, sequence }) => [origin, sequence]),
    );
    assert.equal((await verify(anew)).holds, true);
  });

  describe('where the store was changed', () => {
    const tamper = (sql: string, ...values: (string | number)[]): void => {
      const database = new DatabaseSync(file(`${HWE}.db`));
      assert.notEqual(database.prepare(sql).run(...values).changes, 0);
      database.close();
    };
    const exporting = () =>
      called(evidenceCommand, ['export', after_, '--config', file(`${HWE}.yaml`), '--json']);

    it('names a decision of which no log tells any more, and ends with 3', async () => {
      const rows = await readAudit(federation.config(HWE));
      const last = rows.findLast(({ event, region }) => event === 'trust-decided' && region === LONDON);
      const { decision } = last?.detail as { decision: number };
      tamper(
        'DELETE FROM log_entry WHERE sequence = ? AND exchange = ?',
        last?.sequence ?? -1,
        last?.exchange ?? '',
      );
      const { code, err } = await exporting();
      assert.equal(code, 3, err);
      assert.deepEqual((JSON.parse(err) as { untold: number[] }).untold, [decision]);
    });

    it('writes nothing where the decisions cannot be believed: nobody knows what was revoked', async () => {
      tamper("UPDATE decision SET detail = '{}' WHERE sequence = 0");
      const { code, out, err } = await exporting();
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, /decision 0 in the store/);
    });
  });
});
