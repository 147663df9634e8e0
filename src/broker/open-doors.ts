import type { RequestListener } from 'node:http';

import type { Config } from '../config/load.ts';
import type { Listener } from '../http/listen.ts';
import type { Admins } from '../trust/admins.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import { federationServerTls, viewerServerTls, type TlsIdentity } from '../trust/tls.ts';
import type { Platforms } from '../trust/platforms.ts';
import type { Viewers } from '../trust/viewers.ts';
import type { Listeners, Opening } from './listeners.ts';
import type { Handlers } from './service.ts';

/** The ports that were taken: useful where the configuration says 0. */
export type Ports = Readonly<Record<'viewer' | 'federation' | 'admin' | 'statement', number>> & {
  readonly admin_api?: number | undefined;
};

/** What answers at each door, and whom it lets in. */
export interface Behind {
  readonly config: Pick<Config, 'listeners' | 'public_base' | 'viewer_tokens_base'>;
  /** As whom we listen, now. */
  readonly own: () => TlsIdentity;
  readonly neighbours: Neighbours;
  readonly viewers: Viewers;
  readonly platforms: Platforms;
  readonly admins: Admins;
  /** What answers at a listener that patients' data go through. */
  readonly answers: (name: keyof Handlers) => RequestListener;
  readonly handlers: Readonly<Record<'admin' | 'admin_api' | 'statement', RequestListener>>;
  /** Written as the doors open: the roots of our addresses as viewers see them. */
  readonly base: Record<'viewer' | 'viewer_tokens', string>;
}

/** A page link carries the place of every source that has more: dozens, for a whole record of several regions. */
const VIEWER_HEADER_BYTES = 128 * 1024;

/** Opens every door that the configuration names. @throws StartError for a port that is taken */
export async function openDoors(
  open: Listeners,
  { config, own, neighbours, viewers, platforms, admins, answers, handlers, base }: Behind,
): Promise<{ readonly ports: Ports; readonly federation: Listener }> {
  const { listeners } = config;
  const withoutCertificate = () => viewerServerTls(own(), undefined);
  const viewerDoor = (
    name: 'viewer' | 'viewer_tokens',
    address: { readonly host: string; readonly port: number },
    tls: Opening['tls'],
  ): Promise<Listener> =>
    open.start({
      ...{ name, host: address.host, port: address.port, headerBytes: VIEWER_HEADER_BYTES },
      ...(tls === undefined ? {} : { tls }),
      handler: answers(name),
    });

  const federation = await open.start({
    ...{ name: 'federation', ...listeners.federation, handler: answers('federation') },
    // The authorities of all neighbours together are the handshake's sieve alone.
    tls: () =>
      federationServerTls(
        own(),
        neighbours.all().flatMap(({ anchors }) => anchors),
      ),
  });
  const viewer = await viewerDoor('viewer', listeners.viewer, () =>
    viewerServerTls(own(), [...viewers.anchors(), ...platforms.anchors()]),
  );
  base.viewer = config.public_base ?? `https://${listeners.viewer.host}:${viewer.port}`;
  if (listeners.viewer_tokens !== undefined) {
    const tokens = await viewerDoor('viewer_tokens', listeners.viewer_tokens, withoutCertificate);
    base.viewer_tokens =
      config.viewer_tokens_base ?? `https://${listeners.viewer_tokens.host}:${tokens.port}`;
  }
  const admin = await open.start({ name: 'admin', ...listeners.admin, handler: handlers.admin });
  const adminApi =
    listeners.admin_api &&
    (await open.start({
      ...{ name: 'admin_api', ...listeners.admin_api, handler: handlers.admin_api },
      tls: () => federationServerTls(own(), admins.anchors()),
    }));
  const statement = await open.start({
    ...{ name: 'statement', ...listeners.statement, handler: handlers.statement },
    tls: withoutCertificate,
  });
  const ports = {
    ...{ viewer: viewer.port, federation: federation.port, admin: admin.port },
    ...{ statement: statement.port, admin_api: adminApi?.port },
  };
  return { ports, federation };
}
