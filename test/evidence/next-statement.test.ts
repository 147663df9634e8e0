import assert from 'node:assert/strict';

import { MaterialError, type MaterialCode } from '../../src/errors.ts';
import { nextStatement, type Signing } from '../../src/evidence/next-statement.ts';
import { signNext } from '../../src/evidence/sign-next.ts';
import { statementChanges } from '../../src/evidence/statement-changes.ts';
import { verifyStatement } from '../../src/evidence/statement.ts';
import type { EntityStatement, PublicJwk } from '../../src/trust/entity-statement.ts';
import { generateSigningKey, type SigningKey } from '../../src/trust/signing-key.ts';
import type { StatementRequest } from '../../src/trust/statement-request.ts';
import { issue } from '../support/certificates.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const ENTITY = 'https://gm.wayleave.example';

describe('the next entity statement', () => {
  const anchor = issue({ name: 'CA', ca: true }).pem;
  let [federation, other, message]: SigningKey[] = [];
  let request: StatementRequest;

  const publicOf = (key: SigningKey | undefined): PublicJwk => key?.publicJwk as PublicJwk;

  before(async () => {
    [federation, other, message] = await Promise.all([1, 2, 3].map(() => generateSigningKey('EdDSA')));
    request = {
      entity: ENTITY,
      days: 180,
      broker: {
        ...{ region: 'greater-manchester', name: 'Greater Manchester', contact: 'broker@gm.example' },
        endpoints: { federation: 'https://gm.wayleave.example:8441' },
        tls: { anchors: [anchor] },
        message_keys: [publicOf(message)],
        log_keys: [publicOf(message)],
        witness_keys: [publicOf(message)],
        logs: ['gm.wayleave.example/log/1'],
        coverage: { sub_icbs: ['14L'], organisations: ['R0A'] },
        records: [{ id: 'gm-record', name: 'GM', offers: ['Patient', 'Condition'], care_setting: 'acute' }],
        refresh_hint: 300,
      },
    };
  });

  const with_ = (broker: Partial<StatementRequest['broker']>): StatementRequest => ({
    ...request,
    broker: { ...request.broker, ...broker },
  });
  const first = (): EntityStatement => next({});
  const next = (changes: Partial<Signing>): EntityStatement =>
    nextStatement({ request, former: undefined, signingKey: publicOf(federation), now: NOW, ...changes });

  function refused(code: MaterialCode, changes: Partial<Signing>): void {
    assert.throws(
      () => next({ former: first(), ...changes }),
      (error) => error instanceof MaterialError && error.code === code,
    );
  }

  it('begins at 1 and goes up by one', () => {
    assert.equal(first().metadata.wayleave_broker.sequence, 1);
    const second = next({ former: first() });
    assert.equal(second.metadata.wayleave_broker.sequence, 2);
    assert.equal(next({ former: second }).metadata.wayleave_broker.sequence, 3);
  });

  it('is good for so many days from now', () => {
    const { iat, exp } = next({ request: { ...request, days: 30 } });
    assert.deepEqual([iat, exp], [NOW / 1000, NOW / 1000 + 30 * 86_400]);
  });

  it('is issued no earlier than the one that it follows', () => {
    refused('issued-earlier', { former: { ...first(), iat: NOW / 1000 + 1 } });
    next({ former: first() });
  });

  it('never drops a log, whatever the request says', () => {
    refused('log-dropped', { request: with_({ logs: ['gm.wayleave.example/log/2'] }) });
    refused('log-dropped', { request: with_({ logs: [] }) });
    const both = ['gm.wayleave.example/log/1', 'gm.wayleave.example/log/2'];
    next({ former: first(), request: with_({ logs: both }) });
  });

  it('is not another region, nor another entity', () => {
    refused('entity-changed', { request: with_({ region: 'london' }) });
    refused('entity-changed', { request: { ...request, entity: 'https://london.wayleave.example' } });
  });

  it('keeps every federation key unless one is dropped by name', () => {
    const two = next({ former: first(), added: [publicOf(other)] });
    assert.deepEqual(kids(two), [publicOf(federation).kid, publicOf(other).kid]);
    const byOther = next({ former: two, signingKey: publicOf(other) });
    assert.deepEqual(kids(byOther), kids(two));
    const dropped = [publicOf(federation).kid];
    assert.deepEqual(kids(next({ former: byOther, signingKey: publicOf(other), dropped })), [
      publicOf(other).kid,
    ]);
  });

  it('does not drop the key that signs it, nor one that is not there', () => {
    refused('federation-key-dropped', { dropped: [publicOf(federation).kid] });
    refused('federation-key-dropped', { dropped: ['unknown'] });
  });

  it('is not signed with a key that the former one does not list', () => {
    refused('federation-key-unlisted', { signingKey: publicOf(other) });
    // Nor with one that only bears the name.
    refused('federation-key-unlisted', { signingKey: { ...publicOf(other), kid: publicOf(federation).kid } });
  });

  it('that would be none is not made', () => {
    assert.throws(
      () => next({ request: with_({ message_keys: [] }) }),
      (error) => error instanceof MaterialError && error.code === 'statement-refused',
    );
  });

  it('is signed, and believed by a neighbour that has pinned the former key', async () => {
    const { token } = await signNext({
      ...{ request, former: first(), federationKey: federation?.privateJwk ?? {}, now: NOW },
      ...{ added: [publicOf(other)], dropped: [] },
    });
    const statement = await verifyStatement(token, [publicOf(federation)], ENTITY, NOW);
    assert.equal(statement.metadata.wayleave_broker.sequence, 2);
    await assert.rejects(verifyStatement(token, [publicOf(other)], ENTITY, NOW));
  });

  describe('shows what differs', () => {
    const changed = (broker: Partial<StatementRequest['broker']>): [string, string[], string[], boolean][] =>
      statementChanges(first(), next({ former: first(), request: with_(broker) }))
        .filter(({ what }) => what !== 'sequence')
        .map(({ what, added, removed, needsApproval }) => [what, [...added], [...removed], needsApproval]);

    it('and nothing where nothing does', () => assert.deepEqual(changed({}), []));

    it('in coverage, which neighbours approve', () => {
      assert.deepEqual(changed({ coverage: { sub_icbs: ['14L', '01G'], organisations: [] } }), [
        ['coverage.sub_icbs', ['01G'], [], true],
        ['coverage.organisations', [], ['R0A'], true],
      ]);
    });

    it('in message keys, which neighbours take by themselves', () => {
      const [[what, added, removed, needsApproval] = []] = changed({ message_keys: [publicOf(other)] });
      assert.deepEqual([what, added?.length, removed?.length, needsApproval], ['message_keys', 1, 1, false]);
      assert.ok(added?.[0]?.includes(publicOf(other).kid));
    });

    it('also where a key is another under the same name, or gets an end', () => {
      const same = { ...publicOf(other), kid: publicOf(message).kid };
      assert.equal(changed({ log_keys: [same] }).length, 1);
      assert.equal(changed({ message_keys: [{ ...publicOf(message), exp: 1_800_000_000 }] }).length, 1);
    });

    it('in anchors, endpoints, records and what is not known to this version', () => {
      const found = changed({
        tls: { anchors: [anchor, issue({ name: 'New CA', ca: true }).pem] },
        endpoints: { federation: 'https://moved.example' },
        records: [{ id: 'gm-record', name: 'GM', offers: ['Patient'], care_setting: 'acute' }],
        contact: 'other@gm.example',
      });
      assert.deepEqual(
        found.map(([what, , , needsApproval]) => [what, needsApproval]),
        [
          ['tls.anchors', true],
          ['endpoints.federation', true],
          ['record gm-record', true],
          ['contact', true],
        ],
      );
      assert.match(found[0]?.[1][0] ?? '', /New CA/);
      assert.deepEqual(found[2]?.[2], ['offers Condition']);
    });

    it('in the federation keys', () => {
      const two = next({ former: first(), added: [publicOf(other)] });
      const change = statementChanges(first(), two).find(({ what }) => what === 'federation keys');
      assert.ok(change?.needsApproval && change.added.length === 1 && change.removed.length === 0);
    });
  });

  function kids(statement: EntityStatement): string[] {
    return statement.jwks.keys.map(({ kid }) => kid);
  }
});
