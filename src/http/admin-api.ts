import type { Registry } from '@prometheus-io/client';
import type { Express } from 'express';

import type { Log } from '../log.ts';
import { closeApp, createApp } from './app.ts';
import type { BrokerStatus } from './broker-status.ts';
import { metricsOf } from './metrics.ts';

/** What the admin listener reads; it decides nothing. */
export interface AdminView {
  /** Everything that `wayleave status` shows. */
  readonly status: () => Promise<BrokerStatus>;
  /** What is counted as it happens. */
  readonly registries: readonly Registry[];
}

/** Health, status and metrics, for this machine: no patient, no clinical content. */
export function adminApi(view: AdminView, log: Log): Express {
  const app = createApp();
  app.get('/health/live', (_request, response) => void response.status(200).json({ live: true }));
  app.get('/health/ready', async (_request, response) => {
    const status = await view.status();
    response.status(status.ready ? 200 : 503).json(status);
  });
  app.get('/status', async (_request, response) => void response.json(await view.status()));
  app.get('/metrics', async (_request, response) => {
    const { type, text } = await metricsOf(await view.status(), view.registries);
    response.type(type).send(text);
  });
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
