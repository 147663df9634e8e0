import { startDeadline, type Deadline } from '../../deadline.ts';
import { EvidenceError, StartError } from '../../errors.ts';
import { pinnedNeighbours, type Pin } from '../../evidence/pinned-neighbours.ts';
import type { Sender } from '../../evidence/query.ts';
import { endpointsIn, type BrokerMetadata } from '../../trust/entity-statement.ts';
import { Neighbours, type Neighbour } from '../../trust/neighbours.ts';
import type { TlsIdentity } from '../../trust/tls.ts';
import { codeIn, judgeClock, OpenLink, type FirstAnswer } from './ask.ts';
import { certificateDetail, openTcp, resolveName, shakeHands, type Shaken } from './connect.ts';
import { judgeOwn, ourselves } from './own-certificate.ts';
import { Course } from './course.ts';
import type { Fault, Found, Step } from './step.ts';

/** What a neighbour is checked with: our pin for it, and ourselves. */
export interface Checking {
  readonly pin: Pin;
  /** How certificates are judged: with this neighbour alone. */
  readonly judging?: ((neighbour: Neighbour) => Neighbours) | undefined;
  readonly entity: string;
  /** Our own statement. */
  readonly own: BrokerMetadata;
  /** The client certificate that is tried: the one in use, or one that is not activated yet. */
  readonly client: TlsIdentity;
  /** The server certificate in use, which is judged here alone. */
  readonly server?: TlsIdentity | undefined;
  /** As whom we sign under that certificate; called once our certificate can be read. */
  readonly senderWith: (client: TlsIdentity) => Sender;
  readonly now: () => number;
  /** What each step that waits for somebody may take, in milliseconds. */
  readonly stepMs: number;
}

/**
 * A dry run of everything that a query to a neighbour needs, short of a patient: one connection of its own to each of its endpoints, made as a link
 * makes it, a hello and a signed ping. Nothing is written here, and no circuit feels it. A step that fails says whose work
 * it is; what needs it is skipped, and what does not is still looked at.
 *
 * @param told called with each step as it ends
 */
export async function checkNeighbour(
  checking: Checking,
  told: (step: Step) => void = () => undefined,
): Promise<readonly Step[]> {
  const { own, entity, now } = checking;
  const course = new Course(told);
  const self = ourselves(entity, own);
  const neighbour = await course.take('statement', () => inForce(checking));
  const asClient = judgeOwn(checking.client, self, 'client', now());
  const client = await course.take('own-certificate', () => ({
    ...asClient,
    fault: asClient.fault ?? serverFault(checking, self),
  }));
  if (neighbour === undefined) return course.end();

  const isOurs = asClient.fault !== undefined;
  const [first, ...others] = endpointsIn(neighbour.broker.endpoints);
  const steps = [...(await checkEndpoint(first, course, checking, { neighbour, self, client, isOurs }))];
  for (const url of others) {
    const another = new Course(told, url);
    steps.push(...(await checkEndpoint(url, another, checking, { neighbour, self, client, isOurs })));
  }
  return steps;
}

/** What is known before an endpoint is tried. */
interface Ends {
  readonly neighbour: Neighbour;
  readonly self: Neighbour;
  readonly client: TlsIdentity | undefined;
  /** Whether our own certificate was found wanting. */
  readonly isOurs: boolean;
}

async function checkEndpoint(
  url: string,
  course: Course,
  checking: Checking,
  { neighbour, self, client, isOurs }: Ends,
): Promise<readonly Step[]> {
  const { own, now, judging = (one) => new Neighbours([one]) } = checking;
  const within = async <Value>(
    work: (deadline: Deadline) => Promise<Found<Value>>,
  ): Promise<Found<Value>> => {
    using deadline = startDeadline(checking.stepMs);
    return await work(deadline);
  };
  const endpoint = await course.take('name', () => within((deadline) => resolveName(url, deadline)));
  if (endpoint === undefined) return course.end();
  const tcp = await course.take('tcp', () => within((deadline) => openTcp(endpoint, deadline)));
  if (tcp === undefined) return course.end();
  try {
    if (client === undefined) return course.end();
    const neighbours = judging(neighbour);
    const shaking = { endpoint, own: client, neighbour, neighbours, now };
    const shaken = await course.take('tls', () => within((deadline) => shakeHands(tcp, shaking, deadline)));
    if (shaken === undefined) return course.end();
    const identified = await course.take('certificate', () => theirCertificate(shaken));
    if (identified === undefined) return course.end();

    const sender = checking.senderWith(client);
    const link = new OpenLink(shaken.socket, {
      ...{ url, identified, neighbours, sender, now },
      sequence: own.sequence,
    });
    using deadline = startDeadline(checking.stepMs);
    const first = await link.hello(deadline);
    const blame = isOurs ? { whose: 'ours' as const } : {};
    const accepted = await course.take('accepted', () => wasAccepted(first, blame));
    if (accepted === undefined && first.fault?.code !== 'timeout') return course.end();
    const there = await course.take('hello', () => saidHello(first));
    if (there === undefined) return course.end();
    await course.take('clock', () => judgeClock(first.aheadMs));
    await course.take('own-statement', () => within((part) => link.ownStatement(part)));
    // It would be refused as not fresh, which is said above.
    if (course.failed('clock')) return course.end();
    await course.take('ping', async () => {
      const found = await within((part) => link.ping(part));
      return found.fault === undefined
        ? found
        : { ...found, fault: ownKeyOr(found.fault, self, sender, now()) };
    });
    return course.end();
  } finally {
    tcp.destroy();
  }
}

/** Step `statement`: the pin, the statement that is approved here, and the anchors. */
async function inForce({ pin, now }: Checking): Promise<Found<Neighbour>> {
  try {
    const [neighbour] = await pinnedNeighbours([pin], now());
    if (neighbour === undefined) return { fault: { code: 'malformed' } };
    new Neighbours([neighbour]);
    const { sequence, endpoints } = neighbour.broker;
    const validUntil = new Date(neighbour.validUntil).toISOString();
    return { value: neighbour, detail: { sequence, validUntil, endpoint: endpoints.federation } };
  } catch (error) {
    if (!(error instanceof StartError)) return { fault: { code: 'anchor-unreadable' } };
    return { fault: { code: error.cause instanceof EvidenceError ? error.cause.code : 'malformed' } };
  }
}

/** Neighbours connect to it: that it ends cuts us off from their side. */
function serverFault({ server, now }: Checking, self: Neighbour): Fault | undefined {
  const fault = server && judgeOwn(server, self, 'server', now()).fault;
  return fault && { ...fault, detail: { ...fault.detail, certificate: 'server' } };
}

function theirCertificate({ peer, identified, fault }: Shaken): Found<NonNullable<Shaken['identified']>> {
  const detail = peer === undefined ? {} : certificateDetail(peer);
  return identified === undefined || fault !== undefined
    ? { detail, fault: fault ?? { code: 'certificate-unknown' } }
    : { value: identified, detail };
}

/** Any answer shows that the connection was taken; these statuses, that the certificate was refused all the same. */
function wasAccepted({ answer, fault }: FirstAnswer, blame: Pick<Fault, 'whose'>): Found<true> {
  if (answer === undefined) {
    return fault?.code === 'timeout' ? { skipped: true } : { fault: { code: 'closed', ...fault, ...blame } };
  }
  const isRefused = answer.status === 401 || answer.status === 403;
  return isRefused ? { fault: { code: codeIn(answer), ...blame } } : { value: true };
}

function saidHello({ answer, fault }: FirstAnswer): Found<true> {
  if (answer === undefined) return { fault: fault ?? { code: 'closed' } };
  return answer.status === 204
    ? { value: true, detail: { status: 204 } }
    : { detail: { status: answer.status }, fault: { code: codeIn(answer) } };
}

/** A key that our own statement does not let sign now is unknown to them with reason. */
function ownKeyOr(fault: Fault, self: Neighbour, { signer }: Sender, at: number): Fault {
  const isOurs = fault.code === 'unknown-kid';
  if (!isOurs || new Neighbours([self]).messageKey(self, signer.kid, at) !== undefined) return fault;
  return { ...fault, code: 'key-not-in-force' };
}
