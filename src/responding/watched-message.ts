import type { Request, Response } from 'express';

import { toWayleaveError } from '../http/app.ts';
import type { Span, Spans } from '../span.ts';
import type { SignedAnswer } from './answer.ts';

/** Who watches what neighbours send. */
export interface Watching {
  readonly spans: Spans;
  /** Called with the region and the code of each refusal, signed or not; without a region where it is not proved. */
  readonly onRefusal: (region: string | undefined, code: string) => void;
}

/** What is known of the sender of a request, since its certificate was looked at. */
export function proved(response: Response): { region?: string } {
  return response.locals as { region?: string };
}

/** Answers one message; who watches is told from its beginning to its end. @param message its kind */
export async function watchedMessage(
  request: Request,
  response: Response,
  message: string,
  { spans, onRefusal }: Watching,
  answer: (span: Span<'neighbour-request'>) => Promise<SignedAnswer>,
): Promise<SignedAnswer> {
  const { region } = proved(response);
  const caller = { who: 'neighbour', traceparent: request.get('traceparent') } as const;
  const span = spans.begin('neighbour-request', caller, { region, message });
  try {
    const answered = await answer(span);
    const { outcome, reason, status } = answered;
    span.set({ outcome, reason, status });
    if (outcome === 'refused') onRefusal(region, reason ?? outcome);
    return answered;
  } catch (error) {
    const { code, publicForm } = toWayleaveError(error);
    const outcome = publicForm.status < 500 ? 'refused' : 'failed';
    span.set({ outcome, reason: code, status: publicForm.status });
    throw error;
  } finally {
    span.end();
  }
}
