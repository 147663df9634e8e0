import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';
import type { TLSSocket } from 'node:tls';

import { RequestError } from '../errors.ts';
import { allowances } from '../http/allowance.ts';
import { closeApp, createApp, only, toWayleaveError } from '../http/app.ts';
import type { Log } from '../log.ts';
import { mayAct, type AdminRole, type Admins, type IdentifiedAdmin } from '../trust/admins.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';

const MOST_BODY_BYTES = 1024 * 1024;
const REQUESTS_PER_SECOND = 50;

/** One request, of an admin who has proved who they are and whose role reaches for the route. */
export interface AdminRequest {
  readonly admin: IdentifiedAdmin;
  /** The named parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON object or array of a POST as it came, for the route to parse; undefined for a GET. */
  readonly body: unknown;
}

/** One address of the admin API. There is none without a role. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST';
  /** As express has it: `/admin/v1/neighbours/:region`. */
  readonly path: string;
  /** Who may ask it: this role, and those above it. */
  readonly role: AdminRole;
  /** What is answered as JSON with 200. Errors of the one table are answered as an OperationOutcome. */
  readonly answer: (request: AdminRequest) => Promise<object> | object;
}

/** An admin who proved who they are, and whose role does not reach for what they asked. */
export interface RefusedAdmin {
  /** Their id. */
  readonly admin: string;
  readonly role: AdminRole;
  /** The role that it takes. */
  readonly needed: AdminRole;
  /** Method and path as the table of routes has them: nothing that was sent is in it. */
  readonly route: string;
  readonly code: string;
}

export interface AdminDoor {
  readonly admins: Admins;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Log;
  /** Called with the code of each refusal for who somebody is, or is not. */
  readonly onRefusal: (code: string) => void;
  /** Called before a known admin is told that they are refused. Never rejects. */
  readonly onAdminRefused: (refused: RefusedAdmin) => Promise<void>;
}

/**
 * The admin API behind mutual TLS. The order of checks: who it is, judged anew on every request, whatever its address;
 * how often they ask; whether their role reaches; only then is a body read.
 */
export function adminDoor(
  { admins, now, log, onRefusal, onAdminRefused }: AdminDoor,
  routes: readonly AdminRoute[],
): Express {
  const app = createApp();
  const identify = (request: Request): IdentifiedAdmin =>
    admins.byCertificate(peerCertificateOf(request.socket as TLSSocket), now());
  const spendOne = allowances(() => REQUESTS_PER_SECOND);
  app.use(async (request, _response, next) => {
    await spendOne(identify(request).id);
    next();
  });
  for (const [path, ways] of Map.groupBy(routes, (route) => route.path)) {
    const address = app.route(path);
    for (const { method, role, answer } of ways) {
      const reaches: RequestHandler = async (request, _response, next) => {
        const admin = identify(request);
        if (mayAct(admin, role)) return next();
        const refused = new RequestError('admin-role-refused', role);
        await onAdminRefused({
          ...{ admin: admin.id, role: admin.role, needed: role },
          ...{ route: `${method} ${path}`, code: refused.code },
        });
        throw refused;
      };
      const answered: RequestHandler = async (request, response) => {
        response.json(await answer(adminRequest(request, identify(request))));
      };
      if (method === 'GET') address.get(reaches, answered);
      else address.post(reaches, jsonAlone, express.json({ limit: MOST_BODY_BYTES, strict: true }), answered);
    }
    address.all(only(...ways.flatMap(({ method }) => ALLOWED[method])));
  }
  app.use(telling(onRefusal, log));
  closeApp(app, log);
  return app;
}

const ALLOWED = { GET: ['GET', 'HEAD'], POST: ['POST'] } as const;

function adminRequest(request: Request, admin: IdentifiedAdmin): AdminRequest {
  return {
    admin,
    params: request.params as Readonly<Record<string, string>>,
    query: new URLSearchParams(request.originalUrl.split('?')[1]),
    body: request.body as unknown,
  };
}

/**
 * Nor is a POST without a body taken: a page of another site that an admin's browser shows may send such a one, with
 * the admin's certificate, where for JSON the browser asks us first.
 */
const jsonAlone: RequestHandler = (request, _response, next) => {
  if (typeof request.is('application/json') !== 'string') throw new RequestError('unsupported-media');
  next();
};

function telling(onRefusal: (code: string) => void, log: Log): ErrorRequestHandler {
  return (error: unknown, _request, _response, next) => {
    const { code, publicForm } = toWayleaveError(error);
    if (publicForm.status === 401 || publicForm.status === 403) {
      log.warn({ listener: 'admin_api', code }, 'request refused');
      onRefusal(code);
    }
    next(error);
  };
}
