import { parseArgs } from 'node:util';

import { checkLogs } from './check-logs.ts';
import { killAndAsk } from './kills.ts';

/** `npm run kills -- --times 200`: kill -9 of both ends at random moments under load, then the logs are held together. */
const { values } = parseArgs({ options: { times: { type: 'string', default: '200' } } });
const times = Number(values.times);
/** Kills at random moments leave a few stretches of which nobody has an answer. */
const MOST_IDLE = 20;
const run = await killAndAsk(times, times * 4_000, (line) => void process.stderr.write(`${line}\n`));
if (run.idle > MOST_IDLE)
  throw new Error(`nothing was answered over ${run.idle} kills: the load met nothing`);
const { believed, interrupted } = await checkLogs(run);
console.log(
  `${run.kills} kills; ${run.asked} requests, ${run.answered.length} answered; ${believed} responses of one neighbour ` +
    `believed, each in both logs; ${interrupted} exchanges marked as interrupted; both logs verify.`,
);
