import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** Has an `npx` that goes straight to the command. */
const BIN = join(import.meta.dirname, 'bin');
/** Half of the time of a short command goes into compiling it. */
const CACHE = join(ROOT, 'var/test/compiled');

/** The blocks of commands in one section of a page, as they stand there. @throws Error where there is no such section */
export function documentedBlocks(page: string, heading: string): string[] {
  const [, section] = readFileSync(join(ROOT, page), 'utf8').split(`\n## ${heading}\n`);
  if (section === undefined) throw new Error(`${page} has no section "${heading}"`);
  const [text = ''] = section.split('\n## ');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = '']) => commands);
}

/**
 * What the commands print where they are pasted into a shell at the root of the project.
 *
 * @throws Error with all that was said, when one of them fails
 */
export function pasted(commands: string): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn('sh', ['-e', '-c', commands], {
      cwd: ROOT,
      env: {
        ...process.env,
        NODE: process.execPath,
        PATH: `${BIN}:${process.env['PATH']}`,
        NODE_COMPILE_CACHE: CACHE,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    child.on('error', failed);
    child.on('close', (code) => {
      if (code === 0) done(said.out);
      else failed(new Error(`exit code ${code}:\n${said.out}\n${said.err}`));
    });
  });
}
