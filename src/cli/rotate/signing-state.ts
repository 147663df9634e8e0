import type { OwnPlaces } from '../../config/own-places.ts';
import { replacedAt, signingKeys, type SigningKeys } from '../../config/signing-keys.ts';
import { REST_S, signingStage, type SigningStage } from '../../evidence/signing-rotation.ts';
import type { EntityStatement } from '../../trust/entity-statement.ts';
import { CommandFailed } from '../io.ts';
import { ownRegion } from '../own-region.ts';
import { signedStatement } from '../present-statement.ts';
import type { RegionOptions } from '../region-config.ts';

/** The rotation of our message key, as files and statement show it now. */
export interface SigningState {
  readonly places: OwnPlaces;
  readonly keys: SigningKeys;
  readonly statement: EntityStatement;
  readonly stage: SigningStage;
  /** From when on the former key may be retired; undefined where there is none, or nothing says when it was replaced. */
  readonly restsUntil: Date | undefined;
}

/** @throws CommandFailed where no statement was signed yet; StartError */
export async function signingState(options: RegionOptions): Promise<SigningState> {
  const places = ownRegion(options);
  const statement = await signedStatement(places);
  const keys = await signingKeys(places, 'message');
  const { present, next, former } = keys;
  const rotating = { present: present.publicJwk, next: next?.publicJwk, former: former?.publicJwk };
  const { message_keys: listed } = statement.metadata.wayleave_broker;
  const at = former && replacedAt(former);
  return {
    ...{ places, keys, statement },
    stage: signingStage(rotating, listed, Date.now()),
    restsUntil: at === undefined ? undefined : new Date(at + REST_S * 1000),
  };
}

const COMMAND = 'wayleave trust rotate signing';

/** What is to be done at each stage. */
export function nextLine({ stage, statement, restsUntil }: SigningState): string {
  const { sequence } = statement.metadata.wayleave_broker;
  switch (stage) {
    case 'none':
      return `No rotation is under way. One begins with \`${COMMAND} prepare --out claims.json\`.`;
    case 'prepared':
      return (
        `Statement ${sequence} in place does not list the next key: sign one that does with \`wayleave trust sign\` ` +
        '(`wayleave trust request` writes the claims again), and put it in place.'
      );
    case 'published':
      return `Statement ${sequence} lists the next key. When every neighbour has it: \`${COMMAND} activate\`.`;
    case 'activated':
      if (restsUntil === undefined) return UNDATED;
      return `The next key is in use. From ${restsUntil.toISOString()} on: \`${COMMAND} retire --out claims.json\`.`;
    case 'retired':
      return `Statement ${sequence} does not list the former key. When every neighbour has it: \`${COMMAND} retire\`.`;
  }
}

/** Only `activate` knows when a key was replaced. */
export const UNDATED =
  `The former key's file does not say when it was replaced. ${REST_S} s after that, move it elsewhere, and ` +
  '`wayleave trust request` leaves it out.';

/** A step that is not the next one. */
export function notNow(state: SigningState, exitCode: number): CommandFailed {
  return new CommandFailed(nextLine(state), exitCode);
}
