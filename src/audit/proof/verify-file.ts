import type { Checkpoint } from '../../tlog/checkpoint.ts';
import type { PublicJwk } from '../../trust/entity-statement.ts';
import { readEvidence, type EvidenceEntry, type EvidenceFile } from './evidence-file.ts';
import { readLeafText, type LeafRead, type ProvedEntry } from './proved-entry.ts';
import { commits } from '../sealing.ts';
import { checkpointSteps } from './checkpoint-steps.ts';
import { decisionSteps } from './decision-steps.ts';
import { inclusionStep } from './inclusion-step.ts';
import { revocationSteps } from './revocation-steps.ts';
import { listsLog } from './statements.ts';
import { statementSteps } from './statement-steps.ts';
import { codeOf, failed, notChecked, ok, verdictOf, type Step, type Verdict } from './verdict.ts';
import { verifyBody } from './verify-body.ts';
import { verifyExchange } from './verify-exchange.ts';

export interface VerifyOptions {
  /** Federation keys that are known from elsewhere: each statement must be signed by one of them. */
  readonly federationKeys?: readonly PublicJwk[] | undefined;
  /** What was answered: a Bundle as it travelled or as a viewer saw it, or one resource. */
  readonly body?: Uint8Array | undefined;
}

/**
 * Verifies an evidence file by itself, step by step: its form, whose statements these are, the checkpoint, that each
 * entry is in the log, that each value is what the entry commits to, the signed messages, the resources, and what was
 * decided about who signed.
 */
export async function verifyEvidence(bytes: Uint8Array, options: VerifyOptions = {}): Promise<Verdict> {
  let file: EvidenceFile;
  try {
    file = readEvidence(bytes);
  } catch (error) {
    return verdictOf([failed('form', codeOf(error))]);
  }
  const form = ok('form', `${file.entries.length} entries of the exchange ${file.exchange}`);
  const times = file.entries.flatMap(({ leaf }) => readLeafText(leaf)?.at ?? []);
  const span = { oldest: Math.min(...times), newest: Math.max(...times) };
  const { steps: told, regions } = await statementSteps(file.statements, span, options.federationKeys);
  const owner = regions.find((one) => listsLog(one, file.origin));
  const head = await checkpointSteps(file.origin, file.checkpoint, owner, regions);
  const proved = file.entries.map((entry) => verifyEntry(entry, file, head.checkpoint));
  const entries = proved.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
  const { steps: exchange, signatures } =
    owner === undefined ? { steps: [], signatures: [] } : await verifyExchange(entries, owner, regions);
  const { steps: decisions, decided } = await decisionSteps(file, { owner, regions, head });
  const steps = [
    form,
    ...told,
    ...head.steps,
    inOrder(file),
    ...proved.flatMap((one) => one.steps),
    ...exchange,
    ...decisions,
    ...revocationSteps({ signatures, cosigned: head.cosigned }, decided, { owner, regions }),
  ];
  if (options.body === undefined) return verdictOf(steps);
  return verdictOf([...steps, ...verifyBody(options.body, entries, owner, regions)]);
}

function inOrder({ entries }: EvidenceFile): Step {
  const wrong = entries.find(
    ({ sequence }, nth) => nth > 0 && sequence <= (entries[nth - 1]?.sequence ?? -1),
  );
  if (wrong === undefined) return ok('order', 'the entries are in the order of the log, each once');
  return failed('order', `entry ${wrong.sequence} is not in the order of the log`, wrong.sequence);
}

function verifyEntry(
  entry: EvidenceEntry,
  { exchange }: EvidenceFile,
  checkpoint: Checkpoint | undefined,
): { steps: Step[]; entry: ProvedEntry | undefined } {
  const { sequence } = entry;
  const leaf = readLeafText(entry.leaf);
  if (leaf?.seq !== sequence || leaf.exchange !== exchange) {
    const says = `entry ${sequence}: the leaf is of another place, another exchange, or cannot be read`;
    return { steps: [failed('leaf', says, sequence)], entry: undefined };
  }
  const values = openedValues(entry, leaf);
  const steps = [inclusionStep(entry, leaf, checkpoint), ...values.steps];
  return { steps, entry: { sequence, leaf, values: values.opened } };
}

/** Undefined where nothing can be told of the values: erased, or not those that the leaf commits to. */
function openedValues(
  { sequence, opened }: EvidenceEntry,
  { sealed }: LeafRead,
): { steps: Step[]; opened: ProvedEntry['values'] } {
  const about = `entry ${sequence}`;
  if (sealed === undefined) {
    if (opened === undefined) return { steps: [], opened: {} };
    return {
      steps: [failed('values', `${about}: values that it does not commit to`, sequence)],
      opened: undefined,
    };
  }
  const names = Object.keys(sealed);
  if (opened === undefined) {
    const says = `${about}: ${names.join(', ')} erased, or not handed over`;
    return { steps: [notChecked('values', says, sequence)], opened: undefined };
  }
  const fits =
    names.join() === Object.keys(opened).join() &&
    Object.entries(opened).every(([name, one]) => isOneText(one.salt) && commits(sealed[name], one));
  if (!fits) {
    const says = `${about}: a value is not what the entry commits to`;
    return { steps: [failed('values', says, sequence)], opened: undefined };
  }
  const values = Object.fromEntries(Object.entries(opened).map(([name, { value }]) => [name, value]));
  return { steps: [ok('values', `${about}: ${names.join(', ')} as committed to`, sequence)], opened: values };
}

/** Base64url that is written in one way alone: the last letter of a salt has bits that say nothing. */
function isOneText(salt: string): boolean {
  return Buffer.from(salt, 'base64url').toString('base64url') === salt;
}
