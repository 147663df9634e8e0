import type { Store } from '../store/contracts.ts';
import { CommandFailed } from './io.ts';

/** For what the log must have: nothing is written to the log of a store that is closed. @throws CommandFailed */
export async function assertOpen(store: Pick<Store, 'state'>): Promise<void> {
  if ((await store.state.read()).closed === undefined) return;
  throw new CommandFailed('The store is closed: open it with `wayleave trust confirm` first.');
}
