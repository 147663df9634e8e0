import type { RegionId } from '../../src/demo/places.ts';
import { startFederation, type FederationOptions, type TestFederation } from './federation.ts';
import { TestViewer } from './viewer.ts';

/** A federation and one of its viewers. */
export interface AskingViewer {
  readonly federation: TestFederation;
  readonly viewer: TestViewer;
}

/** For one test, which says `await using`: both are stopped after it, however it ends. */
export async function startAskingViewer(
  options: FederationOptions = {},
  region: RegionId = 'herts-west-essex',
): Promise<AskingViewer & AsyncDisposable> {
  const federation = await startFederation(options);
  const viewer = new TestViewer(federation, region);
  return {
    federation,
    viewer,
    [Symbol.asyncDispose]: async () => {
      viewer.close();
      await federation.stop();
    },
  };
}

/** For all tests of the suite that calls this: started before the first, stopped after the last. */
export function askingViewerForAll(options: FederationOptions, region?: RegionId): AskingViewer {
  let started: (AskingViewer & AsyncDisposable) | undefined;
  before(async () => {
    started = await startAskingViewer(options, region);
  });
  after(() => started?.[Symbol.asyncDispose]());
  const running = (): AskingViewer => {
    if (started === undefined) throw new TypeError('it runs within the tests only');
    return started;
  };
  return {
    get federation() {
      return running().federation;
    },
    get viewer() {
      return running().viewer;
    },
  };
}
