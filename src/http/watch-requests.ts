import type { IncomingMessage, RequestListener } from 'node:http';

import type { ServedRequest } from './event-metrics.ts';

/** nginx's status for a caller who went away. */
const GONE = 499;

/** Hands requests on, and tells when each is over by which route. */
export function watchRequests(
  listener: string,
  handler: RequestListener,
  onServed: (served: ServedRequest) => void,
): RequestListener {
  return (request, response) => {
    const started = performance.now();
    response.once('close', () => {
      const status = response.writableFinished ? response.statusCode : GONE;
      onServed({ listener, route: routeOf(request), status, ms: performance.now() - started });
    });
    return handler(request, response);
  };
}

/**
 * The pattern of the route that express chose, below where its router lies: our own text, whatever the address is. Where it
 * chose none, the address is none of ours, or nobody came to look at it.
 */
function routeOf(request: IncomingMessage): string {
  const { route, baseUrl } = request as IncomingMessage & { route?: { path?: unknown }; baseUrl?: unknown };
  if (typeof route?.path !== 'string') return 'none';
  return `${typeof baseUrl === 'string' ? baseUrl : ''}${route.path.replaceAll('\\', '')}`;
}
