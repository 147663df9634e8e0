import { z } from 'zod';

import { path } from './forms.ts';

/** OAuth 2.0 client credentials with private_key_jwt (RFC 7523). */
const clientCredentials = {
  kind: z.literal('oauth2'),
  token_endpoint: z.url(),
  client_id: z.string(),
  key: path,
  anchors: path.optional(),
};

export const recordAuth = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('mutual-tls'), certificate: path, key: path, anchors: path }),
  /** As in SMART Backend Services. */
  z.strictObject({ ...clientCredentials, scope: z.string().default('system/*.read') }),
]);

export const demographicsAuth = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ ...clientCredentials, scope: z.string().optional() }),
]);

/** The private JWK of `auth.key`: the algorithms of `src/evidence/client-assertion.ts`, never those of messages. */
export const clientKey = z.looseObject({
  kid: z.string().min(1),
  alg: z.enum(['ES384', 'RS384', 'RS512', 'ES256', 'EdDSA']),
  d: z.string().min(1),
});
