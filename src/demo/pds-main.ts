import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { PdsEntry } from './demo-data.ts';
import { createPdsServer } from './pds-server.ts';
import { portOf, runMain, runStandIn } from './stand-in.ts';

/** The PDS stand-in as a process of its own; see `USAGE`. */
const USAGE = 'Give --port N --data FILE.json, and perhaps --rate N (requests a second) and --pid-file FILE.';

await runMain('pds', async () => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      data: { type: 'string' },
      rate: { type: 'string' },
      'pid-file': { type: 'string' },
    },
  });
  const port = portOf(values.port);
  const rate = values.rate === undefined ? undefined : Number(values.rate);
  const badRate = rate !== undefined && !(Number.isInteger(rate) && rate >= 1);
  if (port === undefined || values.data === undefined || badRate) throw new Error(USAGE);
  const entries = JSON.parse(readFileSync(values.data, 'utf8')) as PdsEntry[];
  await runStandIn({ listener: createPdsServer({ entries, rate }), port, pidFile: values['pid-file'] });
});
