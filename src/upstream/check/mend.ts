import type { StepName, Whose } from './step.ts';

export interface Mend {
  readonly whose: Whose;
  readonly mend: string;
}

const ours = (mend: string): Mend => ({ whose: 'ours', mend });
const theirs = (mend: string): Mend => ({ whose: 'theirs', mend });
const network = (mend: string): Mend => ({ whose: 'network', mend });

/** code -> mend; `*` for every other code of that step. */
type Mends = Readonly<Record<string, Mend>> & { readonly '*': Mend };

const CLOSED = network('The connection ended in the handshake: look at what lies between the two brokers.');
const THEY_KNOW_ANOTHER_KEY = theirs(
  'They do not take our message key: ask them to approve our newest entity statement.',
);

const MENDS: Readonly<Record<StepName, Mends>> = {
  statement: {
    'not-fresh': ours('Their statement that is approved here has ended: approve their newest one.'),
    '*': ours('Their approved statement does not verify by the pin: get statement and keys from them again.'),
  },
  'own-certificate': {
    'no-certificate': ours('Our certificate cannot be read: write the path of a PEM file, the leaf first.'),
    'key-mismatch': ours('The private key is not of our certificate: put the two that belong together.'),
    'certificate-expired': ours('Our certificate is out of its dates: issue a new one and activate it.'),
    '*': ours('Our certificate would be refused by our own statement: issue one that it vouches for.'),
  },
  name: {
    '*': network(
      'The name in their statement is not found: mend our name service, or ask them for the name.',
    ),
  },
  tcp: {
    ECONNREFUSED: theirs(
      'Nothing listens at their address: ask them to start their broker or to move the address.',
    ),
    '*': network('No connection came about: look for a firewall or a missing route between the two regions.'),
  },
  tls: {
    'no-tls': theirs(
      'What listens at their address speaks no TLS: ask them for the address of their broker.',
    ),
    protocol_version: theirs('They have no TLS 1.3: ask them to allow it at their listener.'),
    handshake_failure: theirs('No group or cipher is common: ask them to allow those of TLS 1.3.'),
    '*': CLOSED,
  },
  certificate: {
    'certificate-expired': theirs('Their server certificate is out of its dates: ask them to renew it.'),
    'certificate-not-yet-valid': theirs('Their server certificate is not valid yet: compare both clocks.'),
    'certificate-revoked': theirs('Their server certificate is revoked: ask them to activate another.'),
    'crl-too-old': ours('The revocation list that we hold of them is too old: have it fetched or import it.'),
    '*': theirs('We refuse their server certificate: ask them for one that our pin for them vouches for.'),
  },
  accepted: {
    '*': theirs(
      'They refuse our client certificate: ask them to approve our newest entity statement and authorities.',
    ),
  },
  hello: {
    'not-found': theirs('No broker answers at their address: ask them what stands before it.'),
    throttled: ours('We ask more than they allow: wait, or agree on a higher rate.'),
    'store-closed': theirs('Their store is closed until their administrator has confirmed it: ask them.'),
    timeout: theirs('Their broker took the connection and said nothing: ask them to look at it.'),
    '*': theirs('Their broker does not answer as one: ask them to look at it.'),
  },
  clock: {
    '*': theirs('Their clock and ours differ by more than 30 s: compare both with the time service.'),
  },
  'own-statement': {
    'sequence-behind': theirs('They know an older entity statement of ours: ask them to approve the newest.'),
    'sequence-ahead': ours(
      'They know a later entity statement of ours than our configuration: put that one back.',
    ),
    '*': theirs('They do not say which entity statement of ours they know: ask them.'),
  },
  ping: {
    'unknown-kid': THEY_KNOW_ANOTHER_KEY,
    'alg-refused': THEY_KNOW_ANOTHER_KEY,
    'bad-signature': THEY_KNOW_ANOTHER_KEY,
    'key-not-in-force': ours(
      'Our statement does not let our message key sign now: sign a statement that does.',
    ),
    'not-fresh': theirs('Their clock and ours differ by more than 30 s: compare both with the time service.'),
    'wrong-binding': network(
      'Another certificate arrives than the one we send: something between ends the TLS.',
    ),
    'pong-unknown-kid': ours(
      'They sign with a message key that is not approved here: approve their newest statement.',
    ),
    'pong-not-fresh': theirs(
      'Their clock and ours differ by more than 30 s: compare both with the time service.',
    ),
    'pong-wrong-binding': network(
      'Their pong is bound to another certificate: something between ends the TLS.',
    ),
    'not-found': theirs('Their broker knows no ping: ask them to update it.'),
    throttled: ours('We ask more than they allow: wait, or agree on a higher rate.'),
    '*': theirs('The ping was not answered as it must be: ask them to look for this code in their counts.'),
  },
};

/** Whose work a fault is, and what to do. @param whose where the step knows it better than the table */
export function mendFor(step: StepName, code: string, whose?: Whose): Mend {
  const mends = MENDS[step];
  const found = (Object.hasOwn(mends, code) ? mends[code] : undefined) ?? mends['*'];
  if (whose === undefined || whose === found.whose) return found;
  return OTHERWISE[`${step} ${whose}`] ?? { ...found, whose };
}

/** Where what failed is not the work of who it usually is. */
const OTHERWISE: Readonly<Record<string, Mend>> = {
  'accepted ours': ours(
    'They refuse our client certificate, and rightly: mend what the step own-certificate says.',
  ),
  'clock ours': ours('Several neighbours agree that our clock is off: set it by the time service.'),
  'ping ours': ours('Our statement does not let our message key sign now: sign a statement that does.'),
};
