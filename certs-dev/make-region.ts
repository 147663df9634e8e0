import type { MadeFile } from '../src/trust/made-file.ts';
import { makeFiles, type Layout } from '../src/trust/make-files.ts';

/** Makes fresh keys and certificates for everything in a development region's layout. */
export function makeRegion(layout: Layout, now: Date): Promise<MadeFile[]> {
  const leaves = layout.leaves.map((leaf) => ({ ...leaf, ...hostNames(leaf.usage) }));
  return makeFiles({ ...layout, leaves }, now);
}

/** A server is also known by where it listens, so that curl and other clients can check it in their own way. */
export function hostNames(usage: 'server' | 'client'): { dns?: string[]; ip?: string[] } {
  return usage === 'server' ? { dns: ['localhost'], ip: ['127.0.0.1'] } : {};
}
