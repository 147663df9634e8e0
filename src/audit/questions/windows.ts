/** One look at a record: a question of our own viewers, or a neighbour's query. User and patient are keyed digests. */
export interface Look {
  readonly at: number;
  readonly entry: string;
  readonly user?: string | undefined;
  readonly patient?: string | undefined;
  readonly organisation?: string | undefined;
  readonly role?: string | undefined;
  /** The neighbour that asked; undefined where our own viewer did. */
  readonly region?: string | undefined;
  readonly breakGlass: boolean;
}

/** Looks of one user (or at one patient) among which a sliding span held more different ones than is usual. */
export interface Burst {
  readonly of: string;
  readonly oldest: number;
  readonly newest: number;
  readonly looks: number;
  /** The most different ones in any one span of it. */
  readonly distinct: number;
  /** Oldest first; the newest `MOST_ENTRIES`. */
  readonly entries: readonly string[];
  /** The newest look. */
  readonly last: Look;
}

interface Seen {
  readonly look: Look;
  readonly other: string;
  /** It belongs to the burst; whatever is newer than such a look does too. */
  counted: boolean;
}

interface Window {
  /** Newest first: what lies within one span of the look that came last. */
  readonly looks: Seen[];
  readonly others: Map<string, number>;
  burst: (Omit<Burst, 'entries'> & { readonly entries: string[] }) | undefined;
}

const MOST_ENTRIES = 1_000;

/** Sliding spans over looks that come newest first, one for each key; idle ones are let go. */
export class Windows {
  readonly #spanMs: number;
  readonly #moreThan: number;
  readonly #windows = new Map<string, Window>();
  readonly #bursts: Burst[] = [];
  #swept = Infinity;

  constructor(spanMs: number, moreThan: number) {
    this.#spanMs = spanMs;
    this.#moreThan = moreThan;
  }

  add(key: string, other: string, look: Look): void {
    if (look.at <= this.#swept - this.#spanMs) this.#sweep(look.at);
    const window = this.#windows.get(key) ?? newWindow();
    this.#windows.set(key, window);
    this.#slide(window, look.at);
    window.looks.push({ look, other, counted: false });
    window.others.set(other, (window.others.get(other) ?? 0) + 1);
    if (window.others.size > this.#moreThan) grow(window, key);
  }

  end(): Burst[] {
    this.#sweep(-Infinity);
    return this.#bursts;
  }

  #slide(window: Window, at: number): void {
    const kept = window.looks.findIndex(({ look }) => look.at < at + this.#spanMs);
    for (const { other } of window.looks.splice(0, kept === -1 ? window.looks.length : kept)) {
      const left = (window.others.get(other) ?? 1) - 1;
      if (left === 0) window.others.delete(other);
      else window.others.set(other, left);
    }
    if (window.burst !== undefined && window.looks[0]?.counted !== true) this.#close(window);
  }

  #sweep(at: number): void {
    this.#swept = at;
    for (const [key, window] of this.#windows) {
      this.#slide(window, at);
      if (window.looks.length === 0) this.#windows.delete(key);
    }
  }

  #close(window: Window): void {
    if (window.burst === undefined) return;
    this.#bursts.push({ ...window.burst, entries: window.burst.entries.toReversed() });
    window.burst = undefined;
  }
}

function newWindow(): Window {
  return { looks: [], others: new Map(), burst: undefined };
}

/** The span as it stands has too many different ones: all looks of it belong to the burst. */
function grow(window: Window, of: string): void {
  const fresh = window.looks.slice(window.looks.findLastIndex(({ counted }) => counted) + 1);
  const first = window.looks[0]?.look;
  const last = window.looks.at(-1)?.look;
  if (first === undefined || last === undefined) return;
  const {
    looks = 0,
    distinct = 0,
    entries = [],
    newest = first.at,
    last: newestLook = first,
  } = window.burst ?? {};
  for (const one of fresh) {
    one.counted = true;
    if (entries.length < MOST_ENTRIES) entries.push(one.look.entry);
  }
  window.burst = {
    ...{ of, newest, oldest: last.at, looks: looks + fresh.length, entries, last: newestLook },
    distinct: Math.max(distinct, window.others.size),
  };
}
