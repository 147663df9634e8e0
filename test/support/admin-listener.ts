import { adminDoor, type AdminRoute, type RefusedAdmin } from '../../src/admin/admin-door.ts';
import { authorityValidity, leafValidity } from '../../certs-dev/validity.ts';
import { listen } from '../../src/http/listen.ts';
import { Admins, ADMIN_ROLES, type AdminRole } from '../../src/trust/admins.ts';
import { issueAuthority, issueLeaf } from '../../src/trust/issue.ts';
import { federationServerTls } from '../../src/trust/tls.ts';
import type { ClientTls } from './admin.ts';

/** The name of the broker whose listener it is. */
export const ENTITY = 'https://london.wayleave.example';

/** An admin API of a test's own routes, over TLS as in life, and one admin of each role, called by the role. */
export interface AdminListener extends AsyncDisposable {
  readonly port: number;
  readonly tls: Readonly<Record<AdminRole, ClientTls>>;
  /** Codes of refusals, and every line that was logged. */
  readonly refusals: readonly string[];
  /** Known admins who were refused. */
  readonly refused: readonly RefusedAdmin[];
  readonly logged: readonly string[];
}

export async function startAdminListener(routes: readonly AdminRoute[]): Promise<AdminListener> {
  const now = new Date();
  const [broker, people] = await Promise.all(
    ['broker', 'admins'].map((name) => issueAuthority({ name, ...authorityValidity(now) })),
  );
  if (broker === undefined || people === undefined) throw new TypeError('two authorities');
  const server = await issueLeaf(broker, {
    ...{ commonName: 'server', uri: ENTITY, usage: 'server', ip: ['127.0.0.1'], ...leafValidity(now) },
  });
  const uriOf = (role: AdminRole): string => `${ENTITY}/admins/${role}`;
  const made = ADMIN_ROLES.map(async (role) => {
    const leaf = { commonName: role, uri: uriOf(role), usage: 'client', ...leafValidity(now) } as const;
    const { certificate, key } = await issueLeaf(people, leaf);
    return [role, { cert: certificate, key, ca: broker.certificate }] as const;
  });
  const tls = Object.fromEntries(await Promise.all(made)) as AdminListener['tls'];
  const admins = new Admins(
    ADMIN_ROLES.map((role) => ({
      ...{ id: role, name: `The ${role}`, role, anchors: people.certificate },
      certificate: { uri: uriOf(role) },
    })),
  );
  const [refusals, logged, refused]: [string[], string[], RefusedAdmin[]] = [[], [], []];
  const write = (fields: object, message: string): void =>
    void logged.push(JSON.stringify([fields, message]));
  const listener = await listen({
    ...{ name: 'admin_api', host: '127.0.0.1', port: 0 },
    tls: federationServerTls(server, admins.anchors()),
    handler: adminDoor(
      {
        ...{ admins, now: Date.now, log: { info: write, warn: write, error: write } },
        onRefusal: (code) => void refusals.push(code),
        onAdminRefused: async (one) => void refused.push(one),
      },
      routes,
    ),
  });
  return {
    ...{ port: listener.port, tls, refusals, refused, logged },
    [Symbol.asyncDispose]: () => listener.close(0),
  };
}
