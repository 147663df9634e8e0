import assert from 'node:assert/strict';

import type { Bundle, Resource } from '../../src/fhir/resource.ts';
import { matchesOf, type Reply, type TestViewer } from '../support/viewer.ts';

export function nextOf(body: Resource): string | undefined {
  return (body as Bundle).link?.find(({ relation }) => relation === 'next')?.url;
}

/** Follows the `next` links to their end, each with a good token of the same patient. */
export async function followPages(viewer: TestViewer, patient: string, path: string): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const reply = await viewer.ask(patient, next);
    assert.equal(reply.status, 200);
    replies.push(reply);
    assert.ok(replies.length <= 100, 'the pages do not end');
    next = nextOf(reply.body);
  }
  return replies;
}

/** `region Type/id` of every match, in the order shown. */
export function shownIn(replies: readonly Reply[]): string[] {
  return replies.flatMap(({ body }) =>
    matchesOf(body).map(
      ({ fullUrl, resource }) => `${fullUrl.split('/')[4]} ${resource.resourceType}/${resource.id}`,
    ),
  );
}
