import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from '../../errors.ts';

/** One file of `--records`: what it holds, or why that cannot be used. */
export type BundleFile =
  { readonly file: string; readonly bundle: unknown } | { readonly file: string; readonly problem: string };

/**
 * Reads every `.json` file of a directory, in the order of their names.
 *
 * @throws StartError when the directory cannot be read or holds no such file
 */
export async function* readBundles(directory: string): AsyncGenerator<BundleFile> {
  const names = await readdir(directory).catch(() => undefined);
  const files = names?.filter((name) => name.endsWith('.json')).sort();
  if (files === undefined) {
    throw new StartError(`--records: ${directory} cannot be read. Give a directory with FHIR bundles.`);
  }
  if (files.length === 0) {
    throw new StartError(`--records: ${directory} holds no .json file. Give a directory with FHIR bundles.`);
  }
  for (const file of files) yield await readOne(directory, file);
}

async function readOne(directory: string, file: string): Promise<BundleFile> {
  let text: string;
  try {
    text = await readFile(join(directory, file), 'utf8');
  } catch {
    return { file, problem: 'cannot be read' };
  }
  try {
    return { file, bundle: JSON.parse(text) as unknown };
  } catch {
    return { file, problem: 'is not JSON' };
  }
}
