import { seal, unseal, type Keyring } from '../audit/sealing.ts';
import type { Decision } from '../audit/succession/succession.ts';

/** A decision as it waits in a closed store for the log: nobody is named in the open. */
export interface SealedDecision {
  readonly commitments: Readonly<Record<string, string>>;
  readonly wrapped_by: string;
  /** base64 */
  readonly wrapped_key: string;
  readonly ciphertext: string;
}

export function sealDecision({ by, reason }: Decision, keyring: Keyring): SealedDecision {
  const { commitments, sealed } = seal({ by, reason }, keyring);
  return {
    ...{ commitments, wrapped_by: sealed.wrappedBy },
    wrapped_key: Buffer.from(sealed.wrappedKey).toString('base64'),
    ciphertext: Buffer.from(sealed.ciphertext).toString('base64'),
  };
}

/** Undefined when these secrets do not open it. */
export function openDecision(sealed: SealedDecision, keyring: Keyring): Decision | undefined {
  const opened = unseal(
    {
      wrappedBy: sealed.wrapped_by,
      wrappedKey: Buffer.from(sealed.wrapped_key, 'base64'),
      ciphertext: Buffer.from(sealed.ciphertext, 'base64'),
    },
    sealed.commitments,
    keyring,
  );
  if (opened === undefined) return undefined;
  return { by: opened['by']?.value ?? '', reason: opened['reason']?.value ?? '' };
}
