import type { Entry, Event, Facts, Who } from './entry.ts';

/** Who asks, about whom and what for: the same at both ends. */
export interface Asking extends Who {
  /** Ties the entries of one request together: our own id at the requester, the query's `jti` at the responder. */
  readonly exchange: string;
  /** A superseded number of the same patient. */
  readonly also?: string | undefined;
  readonly organisation?: string | undefined;
  readonly role?: string | undefined;
  readonly purpose?: string | undefined;
  readonly relationship?: string | undefined;
  readonly breakGlass?: { readonly code: string; readonly reason: string } | undefined;
  /** Requester: the viewer that it is asked from. */
  readonly viewer?: string | undefined;
}

/** A signed message as it travelled, and the digest of its signing input. */
export interface Message {
  readonly token: string;
  readonly digest: string;
}

/** A message to one region. */
export type Sent = Message & {
  readonly region: string;
  readonly jti: string;
  readonly retry_of?: string | undefined;
};

/** One resource that was released or shown: which, in which version, and the digest of its canonical JSON (RFC 8785). */
export interface ResourceRef {
  readonly record: string;
  /** `Type/id`. */
  readonly resource: string;
  readonly version?: string | undefined;
  readonly digest: string;
}

export interface Told {
  readonly outcome: string;
  readonly reason?: string | undefined;
  /** Code of the check that failed, where one did. */
  readonly fault?: string | undefined;
  readonly count?: number | undefined;
  readonly sources?: readonly object[] | undefined;
  readonly resources?: readonly ResourceRef[] | undefined;
  /** Version of the sharing agreement that it was decided under. */
  readonly agreement?: string | undefined;
  readonly response?: Message | undefined;
}

/** What became of asking one region. */
export interface Received extends Told {
  readonly event: Extract<
    Event,
    | ('response-believed' | 'response-not-believed' | 'not-reached')
    | ('access-answer-believed' | 'access-answer-not-believed' | 'access-not-reached')
    | ('locate-believed' | 'locate-not-believed' | 'locate-not-reached')
    | ('receipt-believed' | 'receipt-not-believed' | 'notice-not-reached')
  >;
  readonly region: string;
  readonly jti: string | undefined;
  readonly ms: number;
  /** `jti` of the message that the same was asked with once more. */
  readonly retried_as?: string | undefined;
  /** A response that was not believed, as it travelled. */
  readonly unbelieved?: string | undefined;
}

export function receivedEntry(
  asking: Asking,
  { event, region, jti, ms, unbelieved, ...told }: Received,
): Entry {
  const entry = toldEntry(asking, event, region, told);
  const sealed = unbelieved === undefined ? {} : { unbelieved_response: unbelieved };
  return {
    ...{ ...entry, work: undefined },
    facts: { ...entry.facts, jti, ms },
    sealed: { ...entry.sealed, ...sealed },
  };
}

/** The end of an exchange at its responder, unless the caller says that it ends no work. */
export function toldEntry(
  asking: Asking,
  event: Event,
  region: string,
  { resources, response, ...told }: Told,
): Entry {
  const facts = { region, jti: asking.exchange, ...told, response_digest: response?.digest };
  const entry = entryOf(asking, event, facts, 'close');
  return {
    ...entry,
    sealed: {
      ...entry.sealed,
      ...(response === undefined ? {} : { response: response.token }),
      ...(resources === undefined ? {} : { resources: JSON.stringify(resources) }),
    },
  };
}

export function entryOf(asking: Asking, event: Event, facts: Facts, work?: Entry['work']): Entry {
  const { exchange, nhsNumber, user, also, organisation, role, purpose, relationship } = asking;
  const glass = asking.breakGlass === undefined ? {} : ({ break_glass: true } as const);
  return {
    ...{ event, exchange, nhsNumber, user, work },
    facts: { organisation, role, purpose, relationship, ...glass, ...facts },
    ...(also === undefined ? {} : { sealed: { superseded: also } }),
  };
}

/** A query that will leave, as its sender keeps it. */
export function sentEntry(asking: Asking, { region, jti, retry_of, token, digest }: Sent): Entry {
  const sent = entryOf(asking, 'query-sent', { region, jti, retry_of, query_digest: digest });
  return { ...sent, sealed: { ...sent.sealed, query: token } };
}

export function glassOf({ breakGlass }: Asking): Record<string, string> {
  return breakGlass === undefined ? {} : { break_glass: JSON.stringify(breakGlass) };
}
