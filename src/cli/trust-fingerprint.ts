import { X509Certificate } from 'node:crypto';
import { Command } from 'commander';

import { heldStatement } from '../evidence/held-statement.ts';
import { publicJwk } from '../trust/entity-statement.ts';
import {
  certificateFingerprint,
  compareWords,
  fingerprintOf,
  groupedHex,
  type Fingerprint,
} from '../trust/fingerprint.ts';
import { givenFile } from './certificates-in.ts';
import { CommandFailed, type Io } from './io.ts';

interface Options {
  readonly compare?: string;
  readonly json?: true;
}

interface Read {
  readonly of: 'statement' | 'keys' | 'certificate';
  readonly fingerprint: Fingerprint;
}

export function fingerprintCommand(io: Io): Command {
  return new Command('fingerprint')
    .description(
      'Show the fingerprint of a statement, of federation keys (JWKS) or of a certificate, in words.',
    )
    .argument('<file>', 'an entity statement, a JWKS, or a certificate (PEM or DER)')
    .option('--compare <words>', 'hold it against what somebody read aloud')
    .option('--json', 'print it as JSON')
    .action(async (file: string, options: Options) => {
      const { of, fingerprint } = await readFingerprint(file);
      const compared =
        options.compare === undefined ? undefined : compareWords(fingerprint.words, options.compare);
      if (options.json) io.print(JSON.stringify({ of, ...fingerprint, compared }));
      else {
        io.print(`${of}  ${fingerprint.words.join(' ')}`);
        io.print(`${' '.repeat(of.length)}  ${groupedHex(fingerprint.hex)}`);
      }
      if (compared?.same === false) {
        const { place, here, said, isWord } = compared;
        throw new CommandFailed(
          `Word ${place} differs: here ${here ?? 'there is none'}, said ${said ?? 'nothing'}` +
            `${said === undefined || isWord ? '' : ' (no word of the list: ask for it again)'}. ` +
            'Do not trust these keys before all eight are the same.',
        );
      }
      if (compared !== undefined && !options.json) io.print('The words are the same.');
    });
}

async function readFingerprint(file: string): Promise<Read> {
  const bytes = givenFile(file);
  const text = bytes.toString('utf8').trim();
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) {
    const { jwks } = await heldStatement(text, file);
    return { of: 'statement', fingerprint: fingerprintOf(jwks.keys) };
  }
  const keys = publicJwk.array().min(1).safeParse(keysOf(text));
  if (keys.success) return { of: 'keys', fingerprint: fingerprintOf(keys.data) };
  try {
    return { of: 'certificate', fingerprint: certificateFingerprint(new X509Certificate(bytes)) };
  } catch (cause) {
    throw new CommandFailed(
      `${file} is no entity statement, no JWKS of public keys and no certificate: name one of these.`,
      1,
      { cause },
    );
  }
}

function keysOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { keys?: unknown } | null)?.keys;
  } catch {
    return undefined;
  }
}
