import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';

import { authorityValidity, leafValidity, pastValidity } from '../../certs-dev/validity.ts';
import { RequestError, type RequestCode } from '../../src/errors.ts';
import { Admins, ADMIN_ROLES, mayAct, type Admin, type AdminRole } from '../../src/trust/admins.ts';
import { signCertificate } from '../../src/trust/certificate.ts';
import { issueAuthority, issueLeaf, type Credential } from '../../src/trust/issue.ts';
import { thumbprintOf, uriNames, type PeerCertificate } from '../../src/trust/peer-certificate.ts';

const NOW = new Date();
const AT = NOW.getTime();
const OFFICER = 'https://london.wayleave.example/admins/officer-1';
const OPERATOR = 'https://london.wayleave.example/admins/operator-1';

function peerOf(pem: string, ...issuers: readonly string[]): PeerCertificate {
  const leaf = new X509Certificate(pem);
  const above = issuers.map((one) => new X509Certificate(one));
  return { leaf, issuers: above, thumbprint: thumbprintOf(leaf), uris: uriNames(leaf.subjectAltName) };
}

describe('admins', () => {
  let one: Credential;
  let other: Credential;
  let admins: Admins;

  const admin = (id: string, role: AdminRole, uri: string, anchors: string): Admin => ({
    ...{ id, name: `The ${id}`, role, anchors },
    certificate: { uri },
  });
  const leaf = async (change: object = {}, by = one): Promise<string> => {
    const request = { commonName: 'admin', uri: OFFICER, usage: 'client', ...leafValidity(NOW) } as const;
    return (await issueLeaf(by, { ...request, ...change })).certificate;
  };
  const refused = (peer: PeerCertificate | undefined, code: RequestCode, at = AT): void => {
    assert.throws(
      () => admins.byCertificate(peer, at),
      (error) => error instanceof RequestError && error.code === code,
    );
  };

  before(async () => {
    [one, other] = await Promise.all([
      issueAuthority({ name: 'Admins', ...authorityValidity(NOW) }),
      issueAuthority({ name: 'Admins', ...authorityValidity(NOW) }),
    ]);
    admins = new Admins([
      admin('officer-1', 'security-officer', OFFICER, one.certificate),
      admin('operator-1', 'operator', OPERATOR, other.certificate),
    ]);
  });

  it('are known by the one name of their certificate', async () => {
    const peer = peerOf(await leaf());
    const { id, name, role, thumbprint } = admins.byCertificate(peer, AT);
    assert.deepEqual([id, name, role], ['officer-1', 'The officer-1', 'security-officer']);
    assert.equal(thumbprint, peer.thumbprint);
  });

  it('are told apart where their certificates come from one authority', async () => {
    const both = new Admins([
      admin('officer-1', 'security-officer', OFFICER, one.certificate),
      admin('operator-1', 'operator', OPERATOR, one.certificate),
    ]);
    assert.equal(both.byCertificate(peerOf(await leaf({ uri: OPERATOR })), AT).role, 'operator');
    assert.deepEqual(both.anchors(), [one.certificate]);
  });

  it('are each judged by their own authority: another admin’s vouches for nobody else', async () => {
    refused(peerOf(await leaf({}, other)), 'certificate-chain');
    refused(peerOf(await leaf({}, other), other.certificate), 'certificate-chain');
    refused(peerOf(await leaf({ uri: OPERATOR })), 'certificate-chain');
    assert.deepEqual(admins.anchors(), [one.certificate, other.certificate]);
  });

  it('may have several authorities, as while one follows another', async () => {
    const anchors = `former\n${one.certificate}\nnext\n${other.certificate}`;
    const changing = new Admins([admin('officer-1', 'security-officer', OFFICER, anchors)]);
    for (const by of [one, other]) {
      assert.equal(changing.byCertificate(peerOf(await leaf({}, by)), AT).id, 'officer-1');
    }
  });

  it('are not made of an authority’s file that was cut short', () => {
    const cut = one.certificate + other.certificate.slice(0, 400);
    assert.throws(() => new Admins([admin('officer-1', 'operator', OFFICER, cut)]));
  });

  it('without a certificate are refused', () => refused(undefined, 'certificate-missing'));

  it('with another name, with several or with none are refused', async () => {
    refused(peerOf(await leaf({ uri: `${OFFICER}0` })), 'certificate-unknown');
    refused(peerOf(await leaf({ uri: 'https://london.wayleave.example' })), 'certificate-unknown');
    const profile = { commonName: OFFICER, usage: 'client', authority: false, ...leafValidity(NOW) } as const;
    const several: { uris?: string[]; dns?: string[] }[] = [
      { uris: [OFFICER, OPERATOR] },
      { uris: [OFFICER, OFFICER] },
      { uris: [] },
      { dns: [`x, URI:${OFFICER}`] },
    ];
    for (const names of several) {
      const { certificate } = await signCertificate({ ...profile, ...names }, one);
      refused(peerOf(certificate), 'certificate-name');
    }
  });

  it('with a certificate for servers are refused', async () => {
    refused(peerOf(await leaf({ usage: 'server' })), 'certificate-usage');
  });

  it('with a certificate that is over, or has not begun, are refused', async () => {
    refused(peerOf(await leaf(pastValidity(NOW))), 'certificate-expired');
    refused(peerOf(await leaf({ notBefore: new Date(AT + 60_000) })), 'certificate-not-yet-valid');
  });

  it('are judged at the time of each request', async () => {
    const peer = peerOf(await leaf());
    assert.equal(admins.byCertificate(peer, AT).id, 'officer-1');
    refused(peer, 'certificate-expired', AT + 398 * 86_400_000);
  });

  it('are others from when they are replaced, and stay where one of the others cannot be read', async () => {
    const certificate = await leaf();
    const officer = admin('officer-1', 'security-officer', OFFICER, one.certificate);
    const changing = new Admins([officer]);
    assert.deepEqual([changing.replace([{ ...officer }]), changing.count('security-officer')], [false, 1]);
    assert.equal(changing.replace([{ ...officer, role: 'viewer' }]), true);
    assert.equal(changing.byCertificate(peerOf(certificate), AT).role, 'viewer');
    assert.deepEqual([changing.count('security-officer'), changing.count('viewer')], [0, 1]);
    assert.throws(() => changing.replace([{ ...officer, anchors: one.certificate.slice(0, 200) }]));
    assert.equal(changing.byCertificate(peerOf(certificate), AT).role, 'viewer');
    changing.replace([]);
    assert.throws(() => changing.byCertificate(peerOf(certificate), AT), RequestError);
  });
});

describe('the role of an admin', () => {
  const MAY: Record<AdminRole, AdminRole[]> = {
    viewer: ['viewer'],
    operator: ['viewer', 'operator'],
    'security-officer': ['viewer', 'operator', 'security-officer'],
  };
  for (const [role, reach] of Object.entries(MAY) as [AdminRole, AdminRole[]][]) {
    it(`${role} reaches for ${reach.join(', ')}`, () => {
      assert.deepEqual(
        ADMIN_ROLES.filter((one) => mayAct({ role }, one)),
        reach,
      );
    });
  }
});
