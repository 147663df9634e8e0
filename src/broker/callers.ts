import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

import type { Config } from '../config/load.ts';
import { claimedIssuer } from '../evidence/viewer-token.ts';
import type { Caller, Doorway } from '../http/load/gate.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import type { Platforms } from '../trust/platforms.ts';
import type { Viewers } from '../trust/viewers.ts';
import { preferredWaitMs } from '../requesting/viewer-request.ts';
import { HELLO_PATH } from '../upstream/neighbour-link.ts';
import { isFeed } from './feeds.ts';
import type { Handlers } from './service.ts';

interface Known {
  readonly config: Pick<Config, 'budgets'>;
  readonly neighbours: Neighbours;
  readonly viewers: Viewers;
  readonly platforms: Platforms;
  readonly now: () => number;
}

/** All that prove nobody are one caller. */
const UNPROVED = 'unproved';

/**
 * What is known at each listener of who asks, and how long it has, before anything is spent on it. On a connection with a
 * certificate that is proved. Without one it is what the token says of itself: whoever lies takes the share of the viewer
 * that it claims to be, and of nobody else, until its signature is looked at.
 */
export function doorways({
  config,
  neighbours,
  viewers,
  platforms,
  now,
}: Known): Record<keyof Handlers, Doorway> {
  const peerOf = ({ socket }: IncomingMessage) => peerCertificateOf(socket as TLSSocket);
  const { bundle_ms: bundleMs } = config.budgets;
  const forViewers = {
    budgetOf: ({ headers }: IncomingMessage) =>
      Math.min(bundleMs, preferredWaitMs(headers['prefer']) ?? bundleMs),
    isProbe: () => false,
  };
  return {
    viewer: {
      ...forViewers,
      callerOf: (request) =>
        isFeed(request)
          ? {
              side: 'viewers',
              counted: 'platform-',
              name: proved('platform ', () => platforms.byCertificate(peerOf(request), now()).id),
            }
          : ofViewer(proved('viewer ', () => viewers.byCertificate(peerOf(request), now()).id)),
    },
    viewer_tokens: {
      ...forViewers,
      callerOf: ({ headers: { authorization = '' } }) =>
        ofViewer(
          proved('viewer ', () => viewers.byIssuer(claimedIssuer(authorization.replace(/^Bearer /i, ''))).id),
        ),
    },
    federation: {
      callerOf: (request) => ({
        ...{ side: 'neighbours', counted: '' },
        name: proved('', () => neighbours.identify(peerOf(request), 'client', now()).neighbour.region),
      }),
      budgetOf: ({ headers }) => Number(headers['wayleave-budget-ms'] ?? bundleMs) || 0,
      isProbe: ({ url }) => url === HELLO_PATH,
    },
  };
}

function ofViewer(name: string): Caller {
  return { side: 'viewers', counted: 'viewer-', name };
}

/** Who nobody knows is told so by what answers, which asks again. */
function proved(kind: string, name: () => string): string {
  try {
    return `${kind}${name()}`;
  } catch {
    return UNPROVED;
  }
}
