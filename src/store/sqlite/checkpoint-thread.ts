import { parentPort, workerData } from 'node:worker_threads';

import { openDatabase } from './connection.ts';

/** What a run of `Checkpointer`'s thread came to: frames in the write-ahead log, and those copied of them. */
export interface Copied {
  readonly log: number;
  readonly checkpointed: number;
}

const database = openDatabase(workerData as string);
// Passive: it waits for nobody, and nobody for it.
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');

parentPort?.on('message', (asked: 'run' | 'close') => {
  if (asked === 'run') {
    const row = checkpoint.get();
    const copied: Copied = { log: Number(row?.['log']), checkpointed: Number(row?.['checkpointed']) };
    parentPort?.postMessage(copied);
    return;
  }
  database.close();
  parentPort?.close();
});
