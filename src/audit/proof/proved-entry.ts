import { z } from 'zod';

const said = z.string().optional();

/** What a verifier reads of a leaf. It comes from outside; whatever else it says stays as it is. */
const leafForm = z.looseObject({
  seq: z.int().nonnegative(),
  at: z.int(),
  event: z.string(),
  exchange: z.string(),
  ...{ region: said, jti: said, organisation: said, role: said, purpose: said, relationship: said },
  ...{ outcome: said, query_digest: said, response_digest: said, retry_of: said, retried_as: said },
  break_glass: z.boolean().optional(),
  sources: z.array(z.looseObject({ reason: said })).optional(),
  sealed: z.record(z.string(), z.string()).optional(),
});

export type LeafRead = z.infer<typeof leafForm>;

/** Undefined for a text that is no leaf. */
export function readLeafText(text: string): LeafRead | undefined {
  try {
    return leafForm.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** An entry whose leaf was read; its values as far as they are what it commits to. */
export interface ProvedEntry {
  readonly sequence: number;
  readonly leaf: LeafRead;
  readonly values: Readonly<Record<string, string>> | undefined;
}

const listed = z.object({ record: z.string(), resource: z.string(), digest: z.string() });
const shown = z.object({ region: z.string(), record: z.string(), resource: z.string() });

/** One resource of an entry's list, by the digest of its canonical JSON (RFC 8785). */
export type Listed = z.infer<typeof listed>;

/** The resources that a response gave; undefined where the list is not there or cannot be read. */
export function listedResources(entry: ProvedEntry): Listed[] | undefined {
  return read(z.array(listed), entry.values?.['resources']);
}

/** What the viewer was shown; undefined where the list is not there or cannot be read. */
export function shownResources(entry: ProvedEntry): z.infer<typeof shown>[] | undefined {
  return read(z.array(shown), entry.values?.['shown']);
}

function read<Form extends z.ZodType>(form: Form, text: string | undefined): z.infer<Form> | undefined {
  try {
    return text === undefined ? undefined : form.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
