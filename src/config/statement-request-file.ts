import { X509Certificate } from 'node:crypto';
import { dirname, resolve } from 'node:path';

import { z } from 'zod';

import { StartError } from '../errors.ts';
import { brokerMetadata, publicJwk, type PublicJwk } from '../trust/entity-statement.ts';
import { DEFAULT_DAYS, MOST_DAYS, type StatementRequest } from '../trust/statement-request.ts';
import { path } from './forms.ts';
import { jwkFrom, parseYaml, readNamed } from './read-files.ts';

const { sequence: _, ...said } = brokerMetadata.shape;
const keys = z.array(z.union([publicJwk, path])).min(1);

/** A statement's words as a file has them: keys and anchors are in it, or are named as files beside it. */
const statementFile = z.strictObject({
  ...said,
  entity: z.url({ protocol: /^https$/ }),
  days: z.int().min(1).max(MOST_DAYS).default(DEFAULT_DAYS),
  tls: said.tls.extend({ anchors: z.array(z.string().min(1)).min(1) }),
  message_keys: keys,
  log_keys: keys,
  witness_keys: keys,
});

/**
 * Reads what a statement is to say, from `statement.yaml` or from what `wayleave trust request` collected (JSON).
 *
 * @throws StartError a sentence with the file, the setting, what is wrong and what to write
 */
export function readStatementRequest(file: string): StatementRequest {
  const source = resolve(file);
  const { entity, days, ...raw } = parseYaml(source, statementFile);
  const near = (name: string): string => resolve(dirname(source), name);
  const jwks = (setting: string, given: readonly (PublicJwk | string)[]): PublicJwk[] =>
    given.map((key) => (typeof key === 'string' ? jwkFrom(source, setting, near(key)) : key));
  const anchor = (given: string): string => {
    const pem = given.includes('-----BEGIN') ? given : readNamed(source, 'tls.anchors', near(given));
    return authority(pem, source);
  };
  return {
    entity,
    days,
    broker: {
      ...raw,
      tls: { ...raw.tls, anchors: raw.tls.anchors.map(anchor) },
      message_keys: jwks('message_keys', raw.message_keys),
      log_keys: jwks('log_keys', raw.log_keys),
      witness_keys: jwks('witness_keys', raw.witness_keys),
    },
  };
}

function authority(pem: string, source: string): string {
  try {
    if (new X509Certificate(pem).ca) return pem;
  } catch {
    // Told below.
  }
  throw new StartError(`${source}: tls.anchors holds what is no authority's certificate: write its PEM.`);
}

/** The file's text for a request that carries everything in itself. */
export function statementRequestText({ entity, days, broker }: StatementRequest): string {
  return `${JSON.stringify({ entity, days, ...broker }, undefined, 2)}\n`;
}
