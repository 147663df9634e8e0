import { X509Certificate } from 'node:crypto';
import { z } from 'zod';

/** A public JWK (RFC 7517) with the algorithm that it is pinned to (RFC 7518, RFC 8037). */
export const publicJwk = z
  .looseObject({
    kty: z.enum(['EC', 'OKP']),
    kid: z.string().min(1).max(128),
    alg: z.enum(['ES256', 'EdDSA']),
    crv: z.enum(['P-256', 'Ed25519']),
    x: z.string(),
    y: z.string().optional(),
    /** Seconds since the epoch between which the key may sign; absent means the statement's own dates. */
    nbf: z.number().int().optional(),
    exp: z.number().int().optional(),
  })
  .refine((jwk) => !('d' in jwk), 'a private key where a public one belongs');

export type PublicJwk = z.infer<typeof publicJwk>;

const recordMetadata = z.object({
  id: z.string(),
  name: z.string(),
  /** FHIR resource types that can be asked for; the agreement may offer fewer. */
  offers: z.array(z.string()),
  /** The care setting of a resource that says none itself. */
  care_setting: z.string(),
});

/** One certificate, as it stands between its two lines (RFC 7468): what is pinned must be readable. */
const pemCertificate = z.string().max(16_384).refine(isOneCertificate, 'one X.509 certificate in PEM');

/** As C2SP asks: a URL without its scheme; it is the name of a key as well. */
const logOrigin = z.string().regex(/^[a-z0-9.:-]+(\/[a-z0-9-]+)+$/, "a log's origin");

/** A DNS name (RFC 1123): in lower case, as it is compared, and never with a wildcard. */
const hostName = z
  .string()
  .max(253)
  .regex(
    /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'a DNS name in lower case',
  );

/** `metadata.wayleave_broker` of an entity statement: what a broker says of itself. */
export const brokerMetadata = z.object({
  region: z.string(),
  name: z.string(),
  contact: z.string(),
  endpoints: z.object({
    federation: z.url({ protocol: /^https$/ }),
    /** Where the statement itself is served, below `/.well-known`; absent: at the entity identifier. */
    statement: z.url({ protocol: /^https$/ }).optional(),
  }),
  tls: z.object({
    anchors: z.array(pemCertificate).min(1).max(16),
    /** Host names that certificates without a URI name may carry in the place of the entity identifier. */
    names: z.array(hostName).max(16).optional(),
  }),
  message_keys: z.array(publicJwk).min(1),
  /** Ed25519 keys that sign the checkpoints of the logs below, under the log's origin as name. */
  log_keys: z.array(publicJwk).min(1),
  /** Origins of this region's logs, one for each replica and for each that came before (C2SP tlog-checkpoint). */
  logs: z.array(logOrigin).max(64),
  /** Ed25519 keys that cosign others' checkpoints, under the name of this region as a witness (C2SP tlog-cosignature). */
  witness_keys: z.array(publicJwk).min(1),
  coverage: z.object({ sub_icbs: z.array(z.string()), organisations: z.array(z.string()) }),
  records: z.array(recordMetadata).min(1),
  sequence: z.number().int().nonnegative(),
  /** Seconds after which a neighbour should look for a newer statement. */
  refresh_hint: z.number().int().positive(),
});

export type BrokerMetadata = z.infer<typeof brokerMetadata>;

/** The claims of an entity configuration (OpenID Federation 1.0, section 3), self-signed by the federation key. */
export const entityStatement = z.object({
  iss: z.url(),
  sub: z.url(),
  iat: z.number().int(),
  exp: z.number().int(),
  jwks: z.object({ keys: z.array(publicJwk).min(1) }),
  metadata: z.object({ wayleave_broker: brokerMetadata }),
});

export type EntityStatement = z.infer<typeof entityStatement>;

/** The JOSE `typ` of an entity statement. */
export const STATEMENT_TYP = 'entity-statement+jwt';

const PEM = /^-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/;

function isOneCertificate(text: string): boolean {
  if (!PEM.test(text)) return false;
  try {
    new X509Certificate(text);
    return true;
  } catch {
    return false;
  }
}
