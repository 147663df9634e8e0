import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { isResource, type Resource } from '../fhir/resource.ts';

/**
 * Reads a file with one FHIR resource in each line.
 *
 * @throws Error with the file's name and the line when a line holds no resource
 */
export async function readNdjson(file: string): Promise<Resource[]> {
  const resources: Resource[] = [];
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number++;
    if (line.trim() === '') continue;
    const value = parsed(line);
    if (!isResource(value))
      throw new Error(`${file}, line ${String(number)} is not a FHIR resource in JSON.`);
    resources.push(value);
  }
  return resources;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
