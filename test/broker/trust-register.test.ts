import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { openStore } from '../../src/broker.ts';
import { ensureStatement } from '../../certs-dev/statements.ts';
import { readSelfSigned } from '../../src/audit/proof/statements.ts';
import { TrustKeeper } from '../../src/broker/trust-keeper.ts';
import { RegisterBroken, TrustRegister } from '../../src/broker/trust-register.ts';
import { firstSeal, sealDecision } from '../../src/evidence/decision-seal.ts';
import { importSigner } from '../../src/evidence/keys.ts';
import { signStatement } from '../../src/evidence/statement.ts';
import type { Decision, Store } from '../../src/store/contracts.ts';
import { statementDigest, type PinnedByFile } from '../../src/trust/standing.ts';
import { freshDirectory } from '../support/federation.ts';
import { until } from '../support/until.ts';

const KEY = randomBytes(32);
const LOG = 'region.example/log/1';
const ENTITY = 'https://region.example';
const ROOT = resolve(import.meta.dirname, '../..');
/** A neighbour's statements of some months. */
const REFRESHED = 2_000;

interface Said {
  readonly kind: string;
  readonly detail: object;
  readonly region?: string;
}

/** Decisions 0, 1, 2 … each sealed after the one before it. */
function sealedAs(said: readonly Said[], key = KEY): Decision[] {
  const all: Decision[] = [];
  for (const [sequence, { kind, detail, region = 'london' }] of said.entries()) {
    const head = { sequence, at: sequence, kind, region, by: 'officer-1', exchange: 'x' };
    const one = { ...head, detail: JSON.stringify(detail) };
    all.push({ ...one, seal: sealDecision(key, all.at(-1)?.seal ?? firstSeal(ENTITY), one) });
  }
  return all;
}

function sealed(count: number, key = KEY, kind = 'paused'): Decision[] {
  return sealedAs(
    Array.from({ length: count }, () => ({ kind, detail: { until: 1 } })),
    key,
  );
}

describe('the register of decisions on trust', () => {
  let directory: string;
  let file: string;
  let store: Store;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'register-'));
    file = join(directory, 'store.db');
    store = await openStore({ store: `sqlite:${file}` });
  });
  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });

  const keep = async (decisions: readonly Decision[]): Promise<void> => {
    const entry = {
      at: 1,
      event: 'trust-decided',
      exchange: 'x',
      facts: '"event":"trust-decided"',
      index: {},
    };
    await store.log.append(
      LOG,
      decisions.map((decision) => ({ entries: [entry], decision })),
    );
  };
  const read = (key = KEY) => TrustRegister.open({ entity: ENTITY, files: [], store: store.decisions, key });
  /** As whoever writes to the database without the secrets. */
  const tamper = (sql: string, ...values: (string | number)[]): void => {
    const database = new DatabaseSync(file);
    assert.notEqual(database.prepare(sql).run(...values).changes, 0);
    database.close();
  };

  it('is read, newest first, page after page', async () => {
    await keep(sealed(1_203));
    const register = await read();
    assert.equal(register.last.sequence, 1_202);
    assert.deepEqual(
      register
        .history('london')
        .slice(0, 2)
        .map(({ sequence }) => sequence),
      [1_202, 1_201],
    );
    assert.deepEqual(register.history('essex'), []);
  });

  const TAMPERED: Record<string, [sql: string, ...values: (string | number)[]]> = {
    'was changed': ['UPDATE decision SET detail = ? WHERE sequence = 1', '{"until":2}'],
    'is another region’s': ['UPDATE decision SET region = ? WHERE sequence = 1', 'essex'],
    'is another admin’s': ['UPDATE decision SET decided_by = ? WHERE sequence = 1', 'officer-2'],
    'was taken out between others': ['DELETE FROM decision WHERE sequence = 1'],
    'was taken out, and the next moved up': [
      'UPDATE decision SET sequence = CASE sequence WHEN 1 THEN 9 ELSE sequence - 1 END WHERE sequence > 0',
    ],
    'lost its seal': ["UPDATE decision SET seal = '' WHERE sequence = 2"],
    'has the seal of another': [
      'UPDATE decision SET seal = (SELECT seal FROM decision WHERE sequence = 0) WHERE sequence = 2',
    ],
  };
  for (const [what, change] of Object.entries(TAMPERED)) {
    it(`is not believed where a decision ${what}`, async () => {
      await keep(sealed(3));
      tamper(...change);
      await assert.rejects(read(), RegisterBroken);
    });
  }

  it('is not believed under other secrets', async () => {
    await keep(sealed(2, randomBytes(32)));
    await assert.rejects(read(), RegisterBroken);
  });

  it('passes over nothing that it does not understand: it may be a revocation', async () => {
    await keep(sealed(1, KEY, 'revoked-by-a-later-version'));
    await assert.rejects(read(), RegisterBroken);
  });

  it('is read on where it was, and keeps what it read when the store cannot be believed any more', async () => {
    const logged: string[] = [];
    const log = {
      info: () => undefined,
      warn: () => undefined,
      error: (_: object, says: string) => void logged.push(says),
    };
    const keeper = await TrustKeeper.open({ entity: ENTITY, files: [], store, key: KEY, log, now: Date.now });
    const all = sealed(4);
    await keep(all.slice(0, 2));
    await keeper.look();
    assert.equal(keeper.register.last.sequence, 1);
    await keep(all.slice(2));
    tamper('UPDATE decision SET detail = ? WHERE sequence = 3', '{"until":2}');
    await keeper.look();
    assert.deepEqual([keeper.register.last.sequence, keeper.fault], [2, 'register-broken']);
    await keeper.look();
    assert.equal(logged.length, 1);
    tamper('UPDATE decision SET detail = ? WHERE sequence = 3', '{"until":1}');
    keeper.start(() => undefined);
    await until(() => keeper.fault === undefined);
    assert.equal(keeper.register.last.sequence, 3);
    await keeper.stop();
  });

  it('takes nothing back where the store has less than before', async () => {
    await keep(sealed(3));
    const register = await read();
    tamper('DELETE FROM decision WHERE sequence > 0');
    await register.sync();
    assert.equal(register.last.sequence, 2);
  });

  describe('of statements that are fetched anew, and anew', () => {
    let file: PinnedByFile;
    let tokens: readonly string[];
    before(async function () {
      this.timeout(30_000);
      const made = await freshDirectory();
      await ensureStatement(resolve(ROOT, 'config/london.yaml'), join(made, 'keys/london'), Date.now());
      const named = (name: string): string => readFileSync(join(made, 'keys/london', name), 'utf8');
      const statementToken = named('public/entity-statement.jwt').trim();
      const { statement } = await readSelfSigned(statementToken);
      const signer = await importSigner(JSON.parse(named('offline/federation.jwk.json')) as object);
      const { wayleave_broker: broker } = statement.metadata;
      tokens = Array.from({ length: REFRESHED }, (_, nth) => {
        const next = { ...broker, sequence: broker.sequence + 1 + nth };
        return signStatement(signer, { ...statement, metadata: { wayleave_broker: next } });
      });
      const { sub: entity, jwks } = statement;
      file = {
        ...{ region: 'london', entity, federationKeys: jwks.keys },
        ...{ anchors: broker.tls.anchors, statementToken },
      };
      rmSync(made, { recursive: true });
    });
    const readWith = () =>
      TrustRegister.open({ entity: ENTITY, files: [file], store: store.decisions, key: KEY });

    it('remembers one statement of a neighbour, whatever their number', async function () {
      this.timeout(60_000);
      const followed = await readWith();
      assert.equal(followed.statements, 1);
      const all = sealedAs(tokens.map((token) => ({ kind: 'statement-taken', detail: { token } })));
      for (let from = 0; from < all.length; from += 700) {
        await keep(all.slice(from, from + 700));
        await followed.sync();
        assert.equal(followed.statements, 1);
      }
      const london = followed.standings.neighbours.get('london');
      assert.equal(london?.signed?.token, tokens.at(-1));
      const history = followed.history('london');
      assert.equal(history.length, REFRESHED);
      assert.equal(history[0]?.detail['statement'], statementDigest(tokens.at(-1) ?? ''));
      // The texts are long: none of them stays with its decision.
      assert.ok(history.every((one) => JSON.stringify(one).length < 400));
    });

    it('remembers what waits beside what counts, until it is declined, and comes to the same as read at once', async () => {
      const [, next = '', later = ''] = tokens;
      const pending = { kind: 'statement-pending', detail: { token: next, changes: ['contact'] } };
      const overtaking = { kind: 'statement-pending', detail: { token: later, changes: ['contact'] } };
      const declined = { kind: 'statement-declined', detail: { digest: statementDigest(later) } };
      const all = sealedAs([pending, overtaking, declined]);
      const register = await readWith();
      const counts: number[] = [];
      for (const one of all) {
        await keep([one]);
        await register.sync();
        counts.push(register.statements);
      }
      assert.deepEqual(counts, [2, 2, 1]);
      assert.equal(register.standings.neighbours.get('london')?.signed?.token, file.statementToken);
      const atOnce = await readWith();
      assert.equal(atOnce.statements, 1);
      assert.deepEqual(atOnce.standings, register.standings);
    });
  });
});
