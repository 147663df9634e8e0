import { openCheckpoint, type Checkpoint } from '../../tlog/checkpoint.ts';
import { SIGNATURE_TYPE } from '../../tlog/note-keys.ts';
import { verifiedSignatures } from '../../tlog/note-signing.ts';
import { parseNote } from '../../tlog/note.ts';
import { checkpointKeys, type SelfSignedRegion } from './statements.ts';
import { codeOf, failed, iso, notChecked, ok, type Step } from './verdict.ts';

/** A cosignature that holds. */
export interface Cosigned {
  /** The witness's name (C2SP tlog-witness). */
  readonly witness: string;
  /** Seconds since the epoch. */
  readonly at: number;
}

export interface CheckedHead {
  readonly steps: readonly Step[];
  /** Where its own signature holds. */
  readonly checkpoint: Checkpoint | undefined;
  readonly cosigned: readonly Cosigned[];
}

/** A signed note of a log's head: whose log it is, that one of its keys signed, and who cosigned. */
export async function checkpointSteps(
  origin: string,
  text: string,
  owner: SelfSignedRegion | undefined,
  regions: readonly SelfSignedRegion[],
): Promise<CheckedHead> {
  const nothing = { checkpoint: undefined, cosigned: [] };
  if (owner === undefined) {
    return { steps: [failed('log', `no statement lists the log ${origin}`)], ...nothing };
  }
  const listed = ok('log', `${origin} is a log of ${owner.region}`);
  try {
    const note = parseNote(text);
    const keys = await checkpointKeys(origin, owner, regions);
    const verified = verifiedSignatures(note, keys);
    const own = keys.filter(({ type }) => type === SIGNATURE_TYPE.ed25519);
    const checkpoint = openCheckpoint(note, { origin, keys: own.map(({ publicKey }) => publicKey) });
    const signed = ok('checkpoint', `${checkpoint.size} entries, signed by a log key of ${owner.region}`);
    const known = new Set(verified.map(({ signature }) => signature));
    const unknown = note.signatures.filter((signature) => !known.has(signature));
    const cosigned = verified.flatMap(({ signature, atSeconds: at }) =>
      at === undefined ? [] : [{ witness: signature.name, at }],
    );
    const good = cosigned.map(({ witness, at }) => ok('cosignature', `${witness} at ${iso(at * 1000)}`));
    const none = notChecked(
      'cosignature',
      'no neighbour has cosigned this checkpoint: only its own log vouches',
    );
    const strangers = unknown.map(({ name }) =>
      failed('cosignature', `no statement lists the key of ${name}`),
    );
    const cosignatures = cosigned.length + strangers.length === 0 ? [none] : [...good, ...strangers];
    return { steps: [listed, signed, ...cosignatures], checkpoint, cosigned };
  } catch (error) {
    return { steps: [listed, failed('checkpoint', codeOf(error))], ...nothing };
  }
}
