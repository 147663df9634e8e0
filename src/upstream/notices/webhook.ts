import { createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

import type { ConfiguredNotices } from '../../config/notices.ts';
import type { Deadline } from '../../deadline.ts';
import { DeliveryError } from '../../errors.ts';
import { exchange } from '../exchange.ts';
import type { Channel, Notice } from './notice.ts';

/** `sha256=` and the HMAC-SHA256 (RFC 2104) of the body's bytes under the shared secret, hexadecimal. */
export const SIGNATURE_HEADER = 'Wayleave-Signature';
const MOST_ANSWER_BYTES = 64 * 1024;

/** Posts a notice as JSON. Any 2xx status is a receipt. */
export class Webhook implements Channel {
  readonly name = 'webhook';
  readonly #url: string;
  readonly #secret: string | undefined;
  readonly #agent: http.Agent | https.Agent;

  constructor({ url, anchors }: NonNullable<ConfiguredNotices['webhook']>, secret: string | undefined) {
    this.#url = url;
    this.#secret = secret;
    const ca = anchors === undefined ? {} : { ca: anchors };
    this.#agent = url.startsWith('https:')
      ? // Said aloud: without it a variable of the environment could turn the verification off.
        new https.Agent({ ...ca, rejectUnauthorized: true, minVersion: 'TLSv1.2', maxCachedSessions: 0 })
      : new http.Agent();
  }

  async deliver(notice: Notice, deadline: Deadline): Promise<void> {
    const body = JSON.stringify({ type: 'expiry', ...notice });
    const signature = this.#secret && createHmac('sha256', this.#secret).update(body).digest('hex');
    const signed = signature === undefined ? {} : { [SIGNATURE_HEADER]: `sha256=${signature}` };
    const headers = { 'Content-Type': 'application/json', ...signed };
    const call = { method: 'POST', url: this.#url, headers, body, agent: this.#agent } as const;
    const { status } = await exchange({ ...call, mostBytes: MOST_ANSWER_BYTES }, deadline);
    if (status < 200 || status > 299) throw new DeliveryError('peer-refused', `status ${status}`);
  }

  close(): void {
    this.#agent.destroy();
  }
}
