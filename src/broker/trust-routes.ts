import { z } from 'zod';

import type { AdminRequest, AdminRoute } from '../admin/admin-door.ts';
import { RequestError } from '../errors.ts';
import { REVOCATION_REASONS } from '../trust/decisions.ts';
import { RefreshRefused } from './statement-refresh.ts';
import type { Said, TrustDesk } from './trust-desk.ts';

/** Why, in words: kept sealed in the log. */
const why = z.string().trim().min(3).max(500);
const digest = z.string().regex(/^[\w-]{43}$/);
const what = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('neighbour') }),
    z.strictObject({ kind: z.literal('message-key'), kid: z.string().min(1).max(128) }),
    z.strictObject({ kind: z.literal('certificate'), thumbprint: digest }),
  ])
  .default({ kind: 'neighbour' });
/** ISO instants on the wire, milliseconds within. */
const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const FORMS = {
  proposal: z
    .strictObject({
      why,
      agreement: z.unknown(),
      statement: z
        .string()
        .max(256 * 1024)
        .optional(),
      url: z.url({ protocol: /^https$/ }).optional(),
    })
    .refine(({ statement, url }) => (statement === undefined) !== (url === undefined), 'statement or url'),
  approval: z.strictObject({ why, digest, alone: z.boolean().default(false) }),
  refusal: z.strictObject({ why, digest }),
  revocation: z.strictObject({
    ...{ why, what },
    reason: z.enum(REVOCATION_REASONS),
    compromised_since: instant.optional(),
  }),
  reinstatement: z.strictObject({ why, what }),
  pause: z.strictObject({ why, until: instant }),
  why: z.strictObject({ why }),
  nothing: z.strictObject({}),
};

/** What admins see of trust, and decide. Whoever decides whom we trust is a security officer; an operator pauses. */
export function trustRoutes(desk: TrustDesk): AdminRoute[] {
  const one = (path: string): string => `/admin/v1/trust/:region/${path}`;
  const officer = { method: 'POST', role: 'security-officer' } as const;
  const operator = { method: 'POST', role: 'operator' } as const;
  return [
    { method: 'GET', path: '/admin/v1/trust', role: 'viewer', answer: () => desk.list() },
    {
      ...{ method: 'GET', path: '/admin/v1/trust/:region', role: 'viewer' },
      answer: (request) => desk.show(regionOf(request), beforeOf(request)),
    },
    {
      ...{ ...officer, path: '/admin/v1/trust-proposals' },
      answer: async (request) => {
        const { statement, url, agreement, why: said } = parsed(FORMS.proposal, request);
        const text = statement ?? (await desk.fetch(url ?? ''));
        return await desk.propose({ statement: text, agreement }, saidBy(request, said));
      },
    },
    {
      ...{ ...officer, path: one('approve') },
      answer: (request) => {
        const { digest: of, alone, why: said } = parsed(FORMS.approval, request);
        return desk.approve(regionOf(request), of, saidBy(request, said), alone);
      },
    },
    {
      ...{ ...officer, path: one('decline') },
      answer: async (request) => {
        const { digest: of, why: said } = parsed(FORMS.refusal, request);
        await desk.decline(regionOf(request), of, saidBy(request, said));
        return { declined: of };
      },
    },
    {
      ...{ ...officer, path: one('revoke') },
      answer: (request) => {
        const { what: of, reason, compromised_since: since, why: said } = parsed(FORMS.revocation, request);
        const because = { reason, compromisedSince: since };
        return desk.revoke(regionOf(request), of, because, saidBy(request, said));
      },
    },
    {
      ...{ ...officer, path: one('reinstate') },
      answer: (request) => {
        const { what: of, why: said } = parsed(FORMS.reinstatement, request);
        return desk.reinstate(regionOf(request), of, saidBy(request, said));
      },
    },
    {
      ...{ ...operator, path: one('pause') },
      answer: (request) => {
        const { until, why: said } = parsed(FORMS.pause, request);
        return desk.pause(regionOf(request), until, saidBy(request, said));
      },
    },
    {
      ...{ ...operator, path: one('resume') },
      answer: (request) => desk.resume(regionOf(request), saidBy(request, parsed(FORMS.why, request).why)),
    },
    {
      ...{ ...operator, path: one('refresh') },
      answer: async (request) => {
        parsed(FORMS.nothing, request);
        return { refreshed: await refreshed(desk, regionOf(request)) };
      },
    },
  ];
}

async function refreshed(desk: TrustDesk, region: string): Promise<string> {
  try {
    return await desk.refresh(region);
  } catch (error) {
    if (!(error instanceof RefreshRefused)) throw error;
    throw new RequestError('statement-refused', error.code, { cause: error });
  }
}

function saidBy({ admin }: AdminRequest, said: string): Said {
  return { by: admin.id, why: said };
}

function regionOf({ params }: AdminRequest): string {
  return params['region'] ?? '';
}

/** @throws RequestError `bad-parameter` */
function beforeOf({ query }: AdminRequest): number | undefined {
  const text = query.get('before');
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new RequestError('bad-parameter', 'before');
  return Number(text);
}

/** @throws RequestError `bad-json` which names the member, never its value */
function parsed<Schema extends z.ZodType>(form: Schema, { body }: AdminRequest): z.output<Schema> {
  const found = form.safeParse(body);
  if (found.success) return found.data;
  throw new RequestError('bad-json', found.error.issues[0]?.path.join('.') || 'the whole');
}
