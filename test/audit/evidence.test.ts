import assert from 'node:assert/strict';
import { sign } from 'node:crypto';

import { formatEvidence, readEvidence, type EvidenceFile } from '../../src/audit/proof/evidence-file.ts';
import { verifyEvidence } from '../../src/audit/proof/verify-file.ts';
import { readLeaf } from '../../src/audit/entry.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { signingInputDigest } from '../../src/evidence/message.ts';
import { cosign } from '../../src/tlog/checkpoint.ts';
import { parseNote } from '../../src/tlog/note.ts';
import { witnessName } from '../../src/tlog/origin.ts';
import type { PublicJwk } from '../../src/trust/entity-statement.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { TestViewer, type Reply } from '../support/viewer.ts';
import { failures, keyOf, withLog } from './evidence-of.ts';

const ASKER: RegionId = 'herts-west-essex';
const RESPONDER: RegionId = 'london';
const PATIENT = '9990000018';

type Entry = EvidenceFile['entries'][number];

describe('an evidence file', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let reply: Reply;
  let asked: EvidenceFile;
  let answered: EvidenceFile;

  const exported = async (region: RegionId, id: string): Promise<EvidenceFile> =>
    withLog(federation, region, async (log) => (await log.export(id)).file);
  const jtiIn = (file: EvidenceFile): string => leafOf(file.entries, 'query-sent').jti ?? '';

  const cosigned = async (by: RegionId, signer: RegionId = by): Promise<string> => {
    const { text } = parseNote(answered.checkpoint);
    const key = await keyOf(federation, signer, 'witness');
    const name = witnessName(federation.config(by).entity);
    return `${answered.checkpoint}${cosign(text, name, key, 1_795_000_000)}`;
  };

  before(async () => {
    federation = await startFederation({ edit: (_region, config) => (config['checkpoint_ms'] = 120_000) });
    viewer = new TestViewer(federation, ASKER);
    reply = await viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`);
    asked = await exported(ASKER, String(reply.headers['x-request-id']));
    answered = await exported(RESPONDER, jtiIn(asked));
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  it('holds the whole exchange at either end, and all of it holds', async () => {
    const events = (file: EvidenceFile): string[] =>
      file.entries.map(({ leaf }) => readLeaf(Buffer.from(leaf)).event);
    assert.deepEqual(events(asked), [
      'route-planned',
      'query-sent',
      'response-believed',
      'released-to-viewer',
    ]);
    assert.deepEqual(events(answered), ['query-received', 'query-answered']);
    assert.deepEqual([await failures(asked), await failures(answered)], [[], []]);
    const { steps } = await verifyEvidence(Buffer.from(formatEvidence(asked)));
    const fine = new Set(steps.filter(({ result }) => result === 'ok').map(({ check }) => check));
    for (const check of ['form', 'statement', 'checkpoint', 'inclusion', 'values', 'query', 'response']) {
      assert.ok(fine.has(check), check);
    }
    for (const check of ['answers', 'resources', 'authority', 'shown', 'in-force'])
      assert.ok(fine.has(check), check);
  });

  it('is found by exchange, by jti and by sequence alike, and not by what is none of them', async () => {
    const { sequence } = asked.entries[2] ?? { sequence: -1 };
    assert.deepEqual((await exported(ASKER, jtiIn(asked))).entries, asked.entries);
    assert.deepEqual((await exported(ASKER, String(sequence))).entries, asked.entries);
    for (const id of ['999999', 'no-such-exchange', '-1', '%']) {
      await assert.rejects(exported(ASKER, id), /has no/, id);
    }
  });

  describe('with one bit of one byte changed', () => {
    it('is refused, whichever byte it is', async function () {
      this.timeout(120_000);
      const bytes = Buffer.from(formatEvidence({ ...answered, checkpoint: await cosigned(ASKER) }));
      assert.deepEqual(await failures(bytes), []);
      for (let at = 0; at < bytes.length; at += 1) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
        const near = bytes.subarray(Math.max(at - 20, 0), at + 20).toString();
        assert.notDeepEqual(await failures(changed), [], `byte ${at} of ${near}`);
      }
    });

    it('is refused in the case of a letter, in a line end, and where text is added', async () => {
      const text = formatEvidence(asked);
      for (const other of [
        `${text}\n`,
        ` ${text}`,
        text.trimEnd(),
        text.replace('\n', '\r\n'),
        `\uFEFF${text}`,
      ]) {
        assert.deepEqual(await failures(Buffer.from(other)), ['form']);
      }
      const twice = text.replace('{"version"', '{"origin":"x","version"');
      assert.deepEqual(await failures(Buffer.from(twice)), ['form']);
      const spelt = text.replace('"checkpoint"', '"\\u0063heckpoint"');
      assert.deepEqual(await failures(Buffer.from(spelt)), ['form']);
    });
  });

  it('takes no proof of another entry, nor entries in another order, nor one twice', async () => {
    const [first, second, ...more] = asked.entries as [Entry, Entry, ...Entry[]];
    const swapped = [{ ...first, proof: second.proof }, { ...second, proof: first.proof }, ...more];
    assert.deepEqual(await failures({ ...asked, entries: swapped }), ['inclusion']);
    assert.deepEqual(await failures({ ...asked, entries: [second, first, ...more] }), ['order']);
    assert.deepEqual(await failures({ ...asked, entries: [first, first, second, ...more] }), ['order']);
    const moved = [{ ...first, sequence: first.sequence + 100 }, second, ...more];
    assert.ok((await failures({ ...asked, entries: moved })).includes('leaf'));
  });

  it('takes no checkpoint of another log, nor a log that no statement lists', async () => {
    assert.ok((await failures({ ...asked, checkpoint: answered.checkpoint })).includes('checkpoint'));
    assert.ok((await failures({ ...asked, statements: asked.statements.slice(1) })).includes('log'));
    const [own = ''] = asked.statements;
    assert.ok((await failures({ ...asked, statements: [own] })).includes('response'));
    assert.deepEqual(await failures({ ...asked, statements: [...asked.statements, own] }), ['statement']);
  });

  it('takes no value in the place of another', async () => {
    const entries = asked.entries.map((entry) => {
      if (entry.opened?.['user'] === undefined || entry.opened['nhs_number'] === undefined) return entry;
      const { user, nhs_number: number } = entry.opened;
      return { ...entry, opened: { ...entry.opened, user: number, nhs_number: user } };
    });
    assert.deepEqual(await failures({ ...asked, entries }), ['values']);
    const salted = asked.entries.map((entry) => ({
      ...entry,
      ...(entry.opened === undefined
        ? {}
        : {
            opened: Object.fromEntries(
              Object.entries(entry.opened).map(([name, one]) => [
                name,
                { ...one, salt: otherText(one.salt) },
              ]),
            ),
          }),
    }));
    assert.deepEqual(await failures({ ...asked, entries: salted }), ['values']);
  });

  it('is held against the federation keys that are known from elsewhere', async () => {
    const keysOf = (region: RegionId): readonly PublicJwk[] => federation.config(region).federationKeys;
    const both = [...keysOf(ASKER), ...keysOf(RESPONDER)];
    assert.deepEqual(await failures(asked, { federationKeys: both }), []);
    assert.deepEqual(await failures(asked, { federationKeys: keysOf(ASKER) }), ['federation-key']);
    assert.deepEqual(await failures(asked, { federationKeys: keysOf('essex-suffolk') }), ['federation-key']);
  });

  describe('of a log that was cosigned', () => {
    it('says by whom and when', async () => {
      const bytes = Buffer.from(formatEvidence({ ...answered, checkpoint: await cosigned(ASKER) }));
      const { holds, steps } = await verifyEvidence(bytes);
      const [said] = steps.filter(({ check }) => check === 'cosignature');
      assert.equal(holds, true);
      assert.equal(said?.result, 'ok');
      assert.match(said?.says ?? '', /herts-west-essex\.wayleave\.example\/witness at 2026-11-/);
    });

    it('refuses a signature of who is in no statement, or by a key that is not in it', async () => {
      assert.deepEqual(await failures({ ...answered, checkpoint: await cosigned('west-midlands') }), [
        'cosignature',
      ]);
      assert.deepEqual(await failures({ ...answered, checkpoint: await cosigned(ASKER, RESPONDER) }), [
        'cosignature',
      ]);
    });

    it('brings the statement of a witness that had no part in the exchange', async () => {
      const file = await withLog(federation, RESPONDER, async ({ store, log, ...open }) => {
        const stored = await store.checkpoints.latest(log.origin);
        assert.ok(stored);
        await store.checkpoints.save(log.origin, { ...stored, note: await cosigned('west-midlands') });
        return (await open.export(answered.exchange)).file;
      });
      assert.equal(file.statements.length, 3);
      assert.deepEqual(await failures(file), []);
    });
  });

  describe('of an end that does not say the truth', () => {
    it("shows another exchange's response", async () => {
      const other = await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
      const file = await exported(ASKER, String(other.headers['x-request-id']));
      const { value: token = '' } = valueOf(file, 'response-believed', 'response');
      const jti = jtiIn(asked);
      const lying = await withLog(federation, RESPONDER, async ({ trail, ...open }) => {
        const response = { token, digest: signingInputDigest(token) };
        await trail.queryAnswered({ exchange: jti }, ASKER, { outcome: 'answered', response });
        return (await open.export(jti)).file;
      });
      assert.equal(lying.entries.length, 3);
      assert.deepEqual(await failures(lying), ['response', 'answers', 'resources']);
    });

    it('shows a query that the entry says otherwise, one that it never sent, and one signed by nobody it names', async () => {
      const neighbour = new TestNeighbour(federation, ASKER);
      const good = await neighbour.query(RESPONDER, PATIENT);
      const claims = JSON.parse(Buffer.from(good.split('.')[1] ?? '', 'base64url').toString()) as Record<
        string,
        string
      >;
      const asking = {
        ...{ exchange: claims['jti'] ?? '', nhsNumber: PATIENT, user: claims['requesting_user'] },
        ...{ organisation: claims['requesting_organization'], role: claims['requesting_user_role'] },
        ...{ purpose: claims['reason_for_request'], relationship: claims['relationship'] },
      };
      const said = async (change: Partial<typeof asking>, token = good): Promise<string[]> => {
        const exchange = crypto.randomUUID();
        const file = await withLog(federation, ASKER, async ({ trail, ...open }) => {
          const query = { region: RESPONDER, jti: asking.exchange, token, digest: signingInputDigest(token) };
          await trail.queriesSent(
            { ...asking, ...change, exchange },
            { viewer: 'v', viewerToken: 'a.b.c', decided: {} },
            [query],
          );
          return (await open.export(exchange)).file;
        });
        return failures(file);
      };
      assert.deepEqual(await said({}), ['authority']);
      assert.deepEqual(await said({ user: 'https://fhir.nhs.uk/Id/sds-user-id|1' }), ['query', 'authority']);
      assert.deepEqual(await said({ nhsNumber: '9990000026' }), ['query', 'authority']);
      assert.deepEqual(await said({ organisation: 'RAX' }), ['query', 'authority']);
      const forged = good.replace(
        /[^.]+$/,
        sign(null, Buffer.from('x'), await keyOf(federation, ASKER, 'log')).toString('base64url'),
      );
      assert.deepEqual(await said({}, forged), ['query']);
      const london = new TestNeighbour(federation, RESPONDER);
      const theirs = await london.query(ASKER, PATIENT);
      assert.deepEqual(await said({}, theirs), ['query']);
    });
  });

  describe('with an erased entry', () => {
    it('says what is gone, and all that is left holds', async () => {
      const third = await viewer.ask(PATIENT, `/fhir/Procedure?patient=${PATIENT}`);
      const id = String(third.headers['x-request-id']);
      const gone = (await exported(ASKER, id)).entries[2]?.sequence ?? -1;
      const { file, erased } = await withLog(federation, ASKER, async ({ store, log, ...open }) => {
        await store.log.erase(log.origin, [gone]);
        return open.export(id);
      });
      assert.deepEqual(erased, [gone]);
      assert.equal(file.entries[2]?.opened, undefined);
      assert.deepEqual(await failures(file), []);
      const { steps } = await verifyEvidence(Buffer.from(formatEvidence(file)));
      const unsaid = steps.filter(({ result, sequence }) => result === 'not-checked' && sequence === gone);
      assert.deepEqual([...new Set(unsaid.map(({ check }) => check))].sort(), [
        'other-log',
        'response',
        'values',
      ]);
    });
  });

  it('reads nothing but the one text that it writes', () => {
    assert.deepEqual(readEvidence(Buffer.from(formatEvidence(asked))), asked);
  });
});

function leafOf(entries: readonly Entry[], event: string) {
  const leaves = entries.map(({ leaf }) => readLeaf(Buffer.from(leaf)));
  const found = leaves.find((leaf) => leaf.event === event);
  assert.ok(found, event);
  return found;
}

function valueOf({ entries }: EvidenceFile, event: string, name: string): { value?: string } {
  const entry = entries.find(({ leaf }) => readLeaf(Buffer.from(leaf)).event === event);
  return entry?.opened?.[name] ?? {};
}

/** Another text for the same 16 bytes: the last letter of 22 carries four bits that say nothing. */
function otherText(salt: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const other = `${salt.slice(0, -1)}${letters[letters.indexOf(salt.at(-1) ?? '') + 1]}`;
  assert.deepEqual(Buffer.from(other, 'base64url'), Buffer.from(salt, 'base64url'));
  return other;
}
