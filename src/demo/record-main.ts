import { parseArgs } from 'node:util';
import { readNdjson } from './ndjson.ts';
import { createRecordServer } from './record-server.ts';
import { portOf, runMain, runStandIn } from './stand-in.ts';

/** A regional record as a process of its own; see `USAGE`. */
const USAGE = 'Give --port N --data FILE.ndjson --name ID, and perhaps --pid-file FILE.';

await runMain('record', async () => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      data: { type: 'string' },
      name: { type: 'string' },
      'pid-file': { type: 'string' },
    },
  });
  const port = portOf(values.port);
  if (port === undefined || values.data === undefined || values.name === undefined) throw new Error(USAGE);
  process.title = `wayleave-record ${values.name}`;
  const base = `http://127.0.0.1:${String(port)}/fhir`;
  const listener = createRecordServer({ base, resources: await readNdjson(values.data) });
  await runStandIn({ listener, port, pidFile: values['pid-file'] });
});
