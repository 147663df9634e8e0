import type { Deadline } from '../../deadline.ts';
import type { Ending } from '../../trust/expiry.ts';

/** What administrators are told: things of this region that have come nearer to their end. No patient, no key. */
export interface Notice {
  /** UUID: the same in every try to deliver it. */
  readonly id: string;
  readonly region: string;
  /** ISO instant. */
  readonly at: string;
  readonly ends: readonly Ending[];
}

/** One way to tell it. */
export interface Channel {
  readonly name: 'email' | 'webhook';
  /** Resolves when the other end has taken it. @throws DeliveryError */
  deliver(notice: Notice, deadline: Deadline): Promise<void>;
  close(): void;
}

/** What `wayleave status` shows of a channel. */
export interface ChannelStatus {
  readonly channel: Channel['name'];
  /** Notices that were not delivered yet. */
  readonly waiting: number;
  /** ISO instant of the last that was delivered. */
  readonly sent?: string;
  /** Why the last try failed. */
  readonly fault?: string;
}
