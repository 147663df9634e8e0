import { readSelfSigned } from '../audit/proof/statements.ts';
import type { Config } from '../config/load.ts';
import { agreement as agreementForm } from '../config/agreement-form.ts';
import { EvidenceError, RequestError } from '../errors.ts';
import type { BrokerStatus } from '../http/broker-status.ts';
import type { Admins } from '../trust/admins.ts';
import type { Revocable, RevocationReason } from '../trust/decisions.ts';
import { proposalDigest, type SignedStatement, type Standing, type Standings } from '../trust/standing.ts';
import { assertNobodyElses } from './assert-nobody-elses.ts';
import { decide, type Deciding, type Wanted } from './decide.ts';
import type { Refreshed, StatementRefresh } from './statement-refresh.ts';
import type { TrustKeeper } from './trust-keeper.ts';
import {
  decisionView,
  neighbourView,
  pauseOf,
  proposalView,
  stateOf,
  type DecisionView,
  type NeighbourView,
  type ProposalView,
} from './trust-views.ts';

/** Who decides, and why in words. */
export interface Said {
  /** An admin's id. */
  readonly by: string;
  readonly why: string;
}

/** A neighbour that is to be enrolled. */
export interface Enrolment {
  /** Its entity statement, as it was handed over or fetched. */
  readonly statement: string;
  /** The sharing agreement, in the form of a configuration file's. */
  readonly agreement: unknown;
}

export interface DeskSettings extends Deciding {
  readonly config: Config;
  readonly admins: Pick<Admins, 'count'>;
  readonly keeper: TrustKeeper;
  readonly refresh: StatementRefresh;
  readonly fetch: (base: string) => Promise<string>;
}

/** The longest that a neighbour is paused by one decision. */
const LONGEST_PAUSE_MS = 31 * 86_400_000;
const MOST_HISTORY = 500;

/**
 * Where admins decide whom we trust. Each method resolves when the decision is on the disk, in the log, and counts here;
 * at other replicas it counts within a second.
 *
 * All throw RequestError with a code of its own where it cannot be decided, and HouseError where it cannot be kept.
 */
export class TrustDesk {
  readonly #settings: DeskSettings;

  constructor(settings: DeskSettings) {
    this.#settings = settings;
  }

  list(): {
    readonly neighbours: NeighbourView[];
    readonly proposals: ProposalView[];
    readonly fault?: string;
  } {
    const { register, keeper } = this.#settings;
    const { neighbours, proposals } = register.standings;
    return {
      neighbours: [...neighbours.values()].map((one) => this.#view(one)),
      proposals: [...proposals.values()].map(proposalView),
      ...(keeper.fault === undefined ? {} : { fault: keeper.fault }),
    };
  }

  /** How each neighbour stands, and what waits, in a few words: for a status that is asked for every second. */
  brief(): BrokerStatus['trust'] {
    const { register, keeper, refresh, now } = this.#settings;
    const { neighbours, proposals } = register.standings;
    const states = new Map(refresh.states().map((one) => [one.region, one]));
    const at = now();
    return {
      ...(keeper.fault === undefined ? {} : { fault: keeper.fault }),
      neighbours: [...neighbours.values()].map((standing) => {
        const { region, signed, pending } = standing;
        const { refreshedAt, fault } = states.get(region) ?? {};
        return {
          ...{ region, state: stateOf(standing, at), statement: signed && sequenceOf(signed) },
          ...{ pausedUntil: pauseOf(standing, at), pending: pending?.changes, fault },
          refreshedAt: refreshedAt === undefined ? undefined : new Date(refreshedAt).toISOString(),
        };
      }),
      proposed: [...proposals.keys()],
    };
  }

  /** @param before a sequence: the decisions before it, newest first */
  show(
    region: string,
    before = Infinity,
  ): {
    readonly neighbour?: NeighbourView;
    readonly proposal?: ProposalView;
    readonly history: DecisionView[];
  } {
    const { register } = this.#settings;
    const standing = register.standings.neighbours.get(region);
    const proposal = register.standings.proposals.get(region);
    const history = register.history(region).filter(({ sequence }) => sequence < before);
    if (standing === undefined && proposal === undefined && history.length === 0) {
      throw new RequestError('unknown-neighbour');
    }
    return {
      ...(standing === undefined ? {} : { neighbour: this.#view(standing) }),
      ...(proposal === undefined ? {} : { proposal: proposalView(proposal) }),
      history: history.slice(0, MOST_HISTORY).map(decisionView),
    };
  }

  /** Fetches a statement that is to be looked at. @param url an https address. @throws DeliveryError */
  fetch(url: string): Promise<string> {
    return this.#settings.fetch(url);
  }

  /** A new neighbour, or one that is enrolled anew under new federation keys: nothing counts before it is approved. */
  async propose({ statement: token, agreement }: Enrolment, said: Said): Promise<ProposalView> {
    const signed = await this.#read(token);
    const region = signed.statement.metadata.wayleave_broker.region;
    const parsed = agreementForm.safeParse(agreement);
    if (!parsed.success) {
      throw new RequestError('agreement-unreadable', parsed.error.issues[0]?.path.join('.') || 'the whole');
    }
    await this.#decide((standings) => {
      this.#assertEnrollable(signed, standings);
      return {
        ...{ kind: 'enrolment-proposed' as const, region, ...said },
        detail: {
          ...{ entity: signed.statement.sub, federation_keys: signed.statement.jwks.keys },
          ...{ token: signed.token, agreement: parsed.data },
        },
      };
    });
    const proposal = this.#settings.register.standings.proposals.get(region);
    if (proposal === undefined) throw new RequestError('nothing-pending');
    return proposalView(proposal);
  }

  /**
   * Approves what waits for that region: a proposal by another admin, or a statement.
   *
   * @param digest of what was looked at (the proposal's, or the pending statement's): nothing else is approved unseen
   * @param alone the site has one security officer, who approves what they proposed: kept with the decision
   */
  async approve(region: string, digest: string, said: Said, alone = false): Promise<NeighbourView> {
    await this.#decide((standings) => {
      const proposal = standings.proposals.get(region);
      if (proposal !== undefined && proposalDigest(proposal) === digest) {
        if (proposal.by === said.by && !(alone && this.#isAlone()))
          throw new RequestError('second-admin-needed');
        this.#assertEnrollable(proposal.signed, standings);
        const detail = { proposal: proposal.sequence, alone };
        return { kind: 'enrolment-approved' as const, region, ...said, detail };
      }
      const pending = standings.neighbours.get(region)?.pending;
      if (pending?.digest !== digest) throw new RequestError('nothing-pending');
      assertNobodyElses(pending.signed, standings, this.#settings.config);
      return { kind: 'statement-approved' as const, region, ...said, detail: { digest } };
    });
    return this.#view(this.#standing(region, this.#settings.register.standings));
  }

  async decline(region: string, digest: string, said: Said): Promise<void> {
    await this.#decide((standings) => {
      const proposal = standings.proposals.get(region);
      if (proposal !== undefined && proposalDigest(proposal) === digest) {
        return {
          kind: 'enrolment-declined' as const,
          region,
          ...said,
          detail: { proposal: proposal.sequence },
        };
      }
      if (standings.neighbours.get(region)?.pending?.digest !== digest)
        throw new RequestError('nothing-pending');
      return { kind: 'statement-declined' as const, region, ...said, detail: { digest } };
    });
  }

  /** @param compromisedSince milliseconds since the epoch, not later than now: what is signed until then would look sound */
  async revoke(
    region: string,
    what: Revocable,
    {
      reason,
      compromisedSince,
    }: { readonly reason: RevocationReason; readonly compromisedSince?: number | undefined },
    said: Said,
  ): Promise<NeighbourView> {
    if (compromisedSince !== undefined && compromisedSince > this.#settings.now()) {
      throw new RequestError('bad-parameter', 'compromised_since');
    }
    return await this.#decideOn(region, said, (standing) => {
      if (isRevoked(standing, what)) throw new RequestError('already-decided');
      const since = compromisedSince === undefined ? {} : { compromised_since: compromisedSince };
      return { kind: 'revoked' as const, detail: { what, reason, ...since } };
    });
  }

  /** A decision of its own, on what is revoked now; that it was revoked stays in the history. */
  reinstate(region: string, what: Revocable, said: Said): Promise<NeighbourView> {
    return this.#decideOn(region, said, (standing) => {
      if (!isRevoked(standing, what)) throw new RequestError('already-decided');
      return { kind: 'reinstated' as const, detail: { what } };
    });
  }

  /** Not asked until then (milliseconds since the epoch), and shown as that; its own queries are answered. */
  pause(region: string, until: number, said: Said): Promise<NeighbourView> {
    const now = this.#settings.now();
    if (until <= now || until > now + LONGEST_PAUSE_MS) throw new RequestError('bad-parameter', 'until');
    return this.#decideOn(region, said, () => ({ kind: 'paused' as const, detail: { until } }));
  }

  resume(region: string, said: Said): Promise<NeighbourView> {
    return this.#decideOn(region, said, ({ pausedUntil }) => {
      if (pausedUntil === undefined || pausedUntil <= this.#settings.now()) {
        throw new RequestError('already-decided');
      }
      return { kind: 'resumed' as const, detail: {} };
    });
  }

  /** Looks for a newer statement now. @throws DeliveryError, EvidenceError, RefreshRefused */
  refresh(region: string): Promise<Refreshed> {
    const { refresh, register } = this.#settings;
    return refresh.refresh(this.#standing(region, register.standings));
  }

  async #decideOn(
    region: string,
    said: Said,
    decideOn: (standing: Standing) => DistributiveOmit<Wanted, 'region' | 'by' | 'why'>,
  ): Promise<NeighbourView> {
    await this.#decide((standings) => ({ ...decideOn(this.#standing(region, standings)), region, ...said }));
    return this.#view(this.#standing(region, this.#settings.register.standings));
  }

  async #decide(wantedOn: (standings: Standings) => Wanted): Promise<void> {
    await decide(this.#settings, wantedOn);
    await this.#settings.keeper.changed();
  }

  #standing(region: string, { neighbours }: Standings): Standing {
    const standing = neighbours.get(region);
    if (standing === undefined) throw new RequestError('unknown-neighbour');
    return standing;
  }

  #view(standing: Standing): NeighbourView {
    const { keeper, refresh, now } = this.#settings;
    const pinned = keeper.trusted.find(({ region }) => region === standing.region);
    const state = refresh.states().find(({ region }) => region === standing.region);
    return neighbourView(standing, pinned, state, now());
  }

  async #read(text: string): Promise<SignedStatement> {
    const { now } = this.#settings;
    const { token, statement, thumbprint } = await readSelfSigned(text.trim());
    const seconds = now() / 1000;
    if (statement.iat > seconds || statement.exp <= seconds) throw new EvidenceError('not-fresh');
    return { token, statement, thumbprint };
  }

  /** Under its own name, which nobody else has. */
  #assertEnrollable(signed: SignedStatement, standings: Standings): void {
    const { config } = this.#settings;
    const { sub: entity, metadata } = signed.statement;
    const { region } = metadata.wayleave_broker;
    const others = [...standings.neighbours.values(), config];
    const taken = others.some((one) => (one.region === region) !== (one.entity === entity));
    if (taken || region === config.region) throw new RequestError('neighbour-name-taken');
    assertNobodyElses(signed, standings, config);
    const held = standings.neighbours.get(region)?.signed;
    if (held !== undefined && sequenceOf(signed) <= sequenceOf(held)) {
      throw new RequestError('statement-refused', 'lower-sequence');
    }
  }

  #isAlone(): boolean {
    return this.#settings.admins.count('security-officer') === 1;
  }
}

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;

function isRevoked({ revoked, revokedKeys, revokedCertificates }: Standing, what: Revocable): boolean {
  switch (what.kind) {
    case 'neighbour':
      return revoked !== undefined;
    case 'message-key':
      return revokedKeys.has(what.kid);
    case 'certificate':
      return revokedCertificates.has(what.thumbprint);
  }
}

function sequenceOf({ statement }: SignedStatement): number {
  return statement.metadata.wayleave_broker.sequence;
}
