import { buildFifth } from './people/fifth.ts';
import { createRecordServer } from './record-server.ts';
import { listenOn } from './stand-in.ts';

export interface RunningRecord {
  readonly base: string;
  readonly resources: number;
  stop(): Promise<void>;
}

/**
 * Starts what stands for the record platform of a fifth region, on 127.0.0.1: it is no part of the demo's four, knows no
 * broker, and is asked by whoever reaches it, as the other stand-ins are.
 *
 * @throws StartError when the port is taken
 */
export async function startFifthRecord(port: number, now: Date): Promise<RunningRecord> {
  const base = `http://127.0.0.1:${String(port)}/fhir`;
  const { record } = buildFifth(now);
  const server = await listenOn(port, createRecordServer({ base, resources: record }));
  return {
    base,
    resources: record.length,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}
