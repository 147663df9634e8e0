import { agreement } from './agreement-form.ts';
import { parseYaml } from './read-files.ts';
import type { Agreement } from './schema.ts';

/** A sharing agreement in a file of its own. @throws StartError naming file, setting, what is wrong and what to write */
export function agreementIn(file: string): Agreement {
  return parseYaml(file, agreement);
}
