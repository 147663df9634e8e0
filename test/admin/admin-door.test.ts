import assert from 'node:assert/strict';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import type { AdminRequest, AdminRoute } from '../../src/admin/admin-door.ts';
import { RequestError } from '../../src/errors.ts';
import { ADMIN_ROLES, type AdminRole } from '../../src/trust/admins.ts';
import { callAdminApi, type AdminCall } from '../support/admin.ts';
import { startAdminListener, type AdminListener } from '../support/admin-listener.ts';
import { errorCode, issuesOf, type Reply } from '../support/viewer.ts';

const MIB = 1024 * 1024;
const SECRET = 'cause that stays inside';

describe('the door of the admin API', () => {
  let listener: AdminListener;
  /** What the routes were asked, as they were asked it. */
  const asked: AdminRequest[] = [];
  const answer = (request: AdminRequest): object => {
    asked.push(request);
    return { answered: true };
  };
  const ROUTES: AdminRoute[] = [
    { method: 'GET', path: '/admin/v1/things/:thing', role: 'viewer', answer },
    { method: 'POST', path: '/admin/v1/things/:thing', role: 'operator', answer },
    { method: 'POST', path: '/admin/v1/decide', role: 'security-officer', answer },
    {
      ...{ method: 'GET', path: '/admin/v1/missing', role: 'viewer' },
      answer: () => Promise.reject(new RequestError('not-found', 'thing')),
    },
    {
      ...{ method: 'GET', path: '/admin/v1/broken', role: 'viewer' },
      answer: () => {
        throw new RangeError(SECRET);
      },
    },
  ];
  before(async () => {
    listener = await startAdminListener(ROUTES);
  });
  after(() => listener[Symbol.asyncDispose]());
  beforeEach(() => void (asked.length = 0));

  const call = (role: AdminRole, path: string, options: AdminCall = {}): Promise<Reply> =>
    callAdminApi(listener.port, path, listener.tls[role], options);
  const post = (role: AdminRole, path: string, body: string | Buffer, headers = {}): Promise<Reply> =>
    call(role, path, {
      ...{ method: 'POST', body },
      headers: { 'Content-Type': 'application/json', ...headers },
    });

  it('gives a route who asks, the parts of the path, the query and the body', async () => {
    const { status, text, headers } = await post('operator', '/admin/v1/things/a%2Fb?x=1&x=2', '{"y":[1]}');
    assert.deepEqual([status, text], [200, '{"answered":true}']);
    assert.equal(headers['cache-control'], 'no-store');
    const [{ admin, params, query, body } = assert.fail('not asked')] = asked;
    assert.deepEqual([admin.id, admin.name, admin.role], ['operator', 'The operator', 'operator']);
    assert.match(admin.thumbprint, /^[\w-]{43}$/);
    assert.deepEqual([params['thing'], query.getAll('x'), body], ['a/b', ['1', '2'], { y: [1] }]);
  });

  describe('lets a role reach for what it may, and no further', () => {
    const WAYS = [
      ['GET', '/admin/v1/things/x', 'viewer'],
      ['POST', '/admin/v1/things/x', 'operator'],
      ['POST', '/admin/v1/decide', 'security-officer'],
    ] as const;
    for (const role of ADMIN_ROLES) {
      for (const [method, path, needed] of WAYS) {
        const may = ADMIN_ROLES.indexOf(role) >= ADMIN_ROLES.indexOf(needed);
        it(`${role}: ${method} ${path} ${may ? 'is answered' : 'is refused'}`, async () => {
          const told = listener.refusals.length;
          const { status, body } = await (method === 'GET' ? call(role, path) : post(role, path, '{}'));
          assert.equal(asked.length, may ? 1 : 0);
          if (may) return assert.equal(status, 200);
          assert.deepEqual([status, errorCode(body)], [403, 'admin-role-refused']);
          assert.equal(issuesOf(body)[0]?.diagnostics, needed);
          assert.deepEqual(listener.refusals.slice(told), ['admin-role-refused']);
          const { route, ...refused } = listener.refused.at(-1) ?? assert.fail();
          assert.deepEqual(refused, { admin: role, role, needed, code: 'admin-role-refused' });
          assert.equal(route, `${method} ${path.replace(/x$/, ':thing')}`);
        });
      }
    }

    it('before a body is looked at', async () => {
      const { status, body } = await post('operator', '/admin/v1/decide', '{'.repeat(2 * MIB));
      assert.deepEqual([status, errorCode(body)], [403, 'admin-role-refused']);
    });
  });

  describe('refuses a body', () => {
    const path = '/admin/v1/decide';
    const cases: readonly [string, string | Buffer, object, number, string][] = [
      ['that is half', '{"a":', {}, 400, 'bad-json'],
      ['that is empty', ' ', {}, 400, 'bad-json'],
      ['that is neither object nor array', '"text"', {}, 400, 'bad-json'],
      ['that is null', 'null', {}, 400, 'bad-json'],
      [
        'that is no UTF-8',
        '{}',
        { 'Content-Type': 'application/json; charset=latin1' },
        415,
        'unsupported-media',
      ],
      ['of another type', '{}', { 'Content-Type': 'text/plain' }, 415, 'unsupported-media'],
      ['of a form', 'a=b', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, 'unsupported-media'],
      ['of more than 1 MiB', JSON.stringify(['x'.repeat(MIB)]), {}, 413, 'too-large'],
      [
        ...['of more than 1 MiB, packed', gzipSync(JSON.stringify(['x'.repeat(MIB)]))],
        ...[{ 'Content-Encoding': 'gzip' }, 413, 'too-large'],
      ] as [string, Buffer, object, number, string],
    ];
    for (const [what, text, headers, status, code] of cases) {
      it(what, async () => {
        const reply = await post('security-officer', path, text, headers);
        assert.deepEqual([reply.status, errorCode(reply.body), asked.length], [status, code, 0]);
      });
    }

    it('that is not there, as a page of another site may have a browser send it', async () => {
      const { status, body } = await call('security-officer', path, { method: 'POST' });
      assert.deepEqual([status, errorCode(body), asked.length], [415, 'unsupported-media', 0]);
    });

    it('and takes one of 1 MiB', async () => {
      const text = JSON.stringify(['x'.repeat(MIB - 4)]);
      assert.equal(text.length, MIB);
      assert.equal((await post('security-officer', path, text)).status, 200);
      assert.deepEqual(asked[0]?.body, JSON.parse(text));
    });
  });

  it('names the methods of an address', async () => {
    for (const [path, method, allow] of [
      ['/admin/v1/things/x', 'DELETE', 'GET, HEAD, POST'],
      ['/admin/v1/things/x', 'OPTIONS', 'GET, HEAD, POST'],
      ['/admin/v1/decide', 'GET', 'POST'],
      ['/admin/v1/missing', 'PUT', 'GET, HEAD'],
    ] as const) {
      const { status, body, headers } = await call('security-officer', path, { method });
      assert.deepEqual([status, errorCode(body), headers['allow']], [405, 'method-not-allowed', allow]);
    }
    const head = await call('viewer', '/admin/v1/things/x', { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
  });

  it('does not know an address that has no route', async () => {
    for (const path of [
      '/',
      '/admin/v1',
      '/Admin/v1/things/x',
      '/admin/v1/things/x/y',
      '/status',
      '/fhir/metadata',
    ]) {
      const { status, body } = await call('security-officer', path);
      assert.deepEqual([status, errorCode(body)], [404, 'not-found'], path);
    }
    const { status, body } = await call('viewer', '/admin/v1/things/%ff');
    assert.deepEqual([status, errorCode(body), asked.length], [400, 'bad-request', 0]);
  });

  it('answers the errors of a route by the one table, and keeps their cause', async () => {
    const missing = await call('viewer', '/admin/v1/missing');
    assert.deepEqual([missing.status, errorCode(missing.body)], [404, 'not-found']);
    assert.equal(issuesOf(missing.body)[0]?.diagnostics, 'thing');
    const broken = await call('viewer', '/admin/v1/broken');
    assert.deepEqual([broken.status, errorCode(broken.body)], [500, 'internal']);
    assert.doesNotMatch(broken.text, new RegExp(`${SECRET}|RangeError`));
  });

  describe('at the end', () => {
    it('tells an admin who asks too often to wait, and nobody else', async () => {
      const flood = async (role: AdminRole, count: number): Promise<Reply[]> => {
        const agent = new https.Agent({ ...listener.tls[role], keepAlive: true, maxSockets: 20 });
        const ask = () => callAdminApi(listener.port, '/admin/v1/things/x', {}, { agent });
        const replies = await Promise.all(Array.from({ length: count }, ask));
        agent.destroy();
        return replies;
      };
      const replies = await flood('operator', 400);
      const refused = replies.filter(({ status }) => status !== 200);
      assert.ok(refused.length > 0);
      for (const { status, body, headers } of refused) {
        assert.deepEqual([status, errorCode(body), headers['retry-after']], [429, 'throttled', '1']);
      }
      assert.equal(asked.length, replies.length - refused.length);
      assert.ok(asked.length > 0);
      assert.equal((await call('viewer', '/admin/v1/things/x')).status, 200);
      await sleep(1_000);
      assert.equal((await call('operator', '/admin/v1/things/x')).status, 200);
    });
  });
});
