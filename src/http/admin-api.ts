import type { Express } from 'express';

import type { Log } from '../log.ts';
import { closeApp, createApp } from './app.ts';

/** What the admin listener reads; it decides nothing. */
export interface AdminView {
  /** Everything that `wayleave status` shows. */
  readonly status: () => Promise<BrokerStatus>;
}

export interface BrokerStatus {
  readonly region: string;
  readonly entity: string;
  /** ISO instant. */
  readonly started: string;
  /** False while the store cannot write, has come down to its reserve, or is closed: then nothing is released. */
  readonly ready: boolean;
  /** `low`: its disk has come down to the reserve. */
  readonly store: 'ok' | 'low' | 'failing';
  /** Set while nothing is served from the store: since when (ISO instant), why, and what is known about it. */
  readonly closed?:
    | { readonly since: string; readonly why: string; readonly detail: Readonly<Record<string, unknown>> }
    | undefined;
  readonly log: object;
  readonly destinations: readonly object[];
  /** The sequence of our own statement, and why the files, as they are now, are not who we are. */
  readonly own: { readonly statement: number; readonly fault?: string };
  /** How each neighbour stands, and what waits for an admin. */
  readonly trust: {
    /** Why decisions cannot be read at the moment. */
    readonly fault?: string;
    readonly neighbours: readonly {
      readonly region: string;
      readonly state: string;
      readonly statement: number | undefined;
      readonly pausedUntil: string | undefined;
      readonly pending: readonly string[] | undefined;
      readonly refreshedAt: string | undefined;
      readonly fault: string | undefined;
    }[];
    /** Regions that an admin has proposed. */
    readonly proposed: readonly string[];
  };
  /** Neighbours' signed pings that were answered since the start. */
  readonly pings: readonly { readonly region: string; readonly answered: number; readonly last: string }[];
  /** Everything that ends, ours and theirs, the soonest first. */
  readonly certificates: readonly {
    readonly whose: string;
    readonly kind: string;
    readonly name: string;
    readonly validUntil: string;
    readonly daysLeft: number;
    readonly level: string;
  }[];
  /** How telling administrators of what ends goes, by channel. */
  readonly notices: readonly object[];
  /** Neighbours' revocation lists. */
  readonly crls: readonly object[];
}

/** Health and status, for this machine: no patient, no clinical content. */
export function adminApi(view: AdminView, log: Log): Express {
  const app = createApp();
  app.get('/health/live', (_request, response) => void response.status(200).json({ live: true }));
  app.get('/health/ready', async (_request, response) => {
    const status = await view.status();
    response.status(status.ready ? 200 : 503).json(status);
  });
  app.get('/status', async (_request, response) => void response.json(await view.status()));
  closeApp(app, log);
  return app;
}

/** The entity statement for anyone (OpenID Federation 1.0, section 9): believed for its signature alone. */
export function statementApi(statement: () => string, log: Log): Express {
  const app = createApp();
  app.get('/.well-known/openid-federation', (_request, response) => {
    response.type('application/entity-statement+jwt').send(statement());
  });
  closeApp(app, log);
  return app;
}
