import { generateKeyPairSync } from 'node:crypto';

import type { BrokerMetadata, EntityStatement, PublicJwk } from '../../src/trust/entity-statement.ts';
import { jwkThumbprint } from '../../src/trust/jwk-thumbprint.ts';
import type { SignedStatement } from '../../src/trust/standing.ts';

/** A new public key; nobody has its private half. */
export function aKey(kid: string): PublicJwk {
  const { publicKey } = generateKeyPairSync('ed25519');
  return { ...publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA' } as PublicJwk;
}

/** A statement's claims, in force for the whole century. */
export function claims(
  change: Partial<BrokerMetadata> = {},
  keys: readonly PublicJwk[] = [],
): EntityStatement {
  const entity = 'https://london.example';
  return {
    ...{ iss: entity, sub: entity, iat: 946_684_800, exp: 4_102_444_800, jwks: { keys: [...keys] } },
    metadata: {
      wayleave_broker: {
        ...{ region: 'london', name: 'London', contact: 'desk', sequence: 1, refresh_hint: 300 },
        endpoints: { federation: 'https://127.0.0.1:1' },
        tls: { anchors: ['anchor-1'] },
        ...{ message_keys: [], log_keys: [], witness_keys: [], logs: ['london.example/log/1'] },
        coverage: { sub_icbs: ['36L'], organisations: ['RAL'] },
        records: [{ id: 'record', name: 'Record', offers: ['Condition'], care_setting: 'acute' }],
        ...change,
      },
    },
  };
}

/** A statement as if it had been verified. @param key the one that signed */
export function signed(statement: EntityStatement, key: PublicJwk): SignedStatement {
  const token = `h.${Buffer.from(JSON.stringify(statement)).toString('base64url')}.s`;
  return { token, statement, thumbprint: jwkThumbprint(key) };
}
