import assert from 'node:assert/strict';

import { configuredNotices, noticesForm, noticeSecrets } from '../../src/config/notices.ts';
import { StartError } from '../../src/errors.ts';

describe('the setting notices', () => {
  const email = { host: 'smtp.example.nhs.uk', from: 'wayleave@example.nhs.uk', to: 'admins@example.nhs.uk' };
  const webhook = { url: 'https://hooks.example.nhs.uk/wayleave' };
  const files = {
    source: 'x.yaml',
    near: (name: string) => name,
    text: (_: string, name: string) => `PEM ${name}`,
  };

  it('is nobody by default', () => {
    assert.deepEqual(configuredNotices(noticesForm.parse({}), files), {
      email: undefined,
      webhook: undefined,
    });
  });

  it('takes one address or several, and the port of submission', () => {
    const one = configuredNotices(
      noticesForm.parse({ email, webhook: { ...webhook, anchors: 'ca.pem' } }),
      files,
    );
    assert.deepEqual([one.email?.port, one.email?.to, one.email?.anchors], [587, [email.to], undefined]);
    assert.equal(one.webhook?.anchors, 'PEM ca.pem');
    const several = noticesForm.parse({ email: { ...email, to: [email.to, 'night@example.nhs.uk'] } });
    assert.equal(several.email?.to.length, 2);
  });

  const wrong: readonly [name: string, notices: object][] = [
    ['a password in the file', { email: { ...email, user: 'x', password: 'y' } }],
    ['a user without a password', { email: { ...email, user: 'x' } }],
    ['a password without a user', { email: { ...email, password_env: 'SMTP_PASSWORD' } }],
    [
      'a password where the name of a variable belongs',
      { email: { ...email, user: 'x', password_env: 'pass word' } },
    ],
    ['an address that is none', { email: { ...email, to: 'admins' } }],
    ['nobody to write to', { email: { ...email, to: [] } }],
    ['a webhook in clear', { webhook: { url: 'http://hooks.example.nhs.uk/' } }],
    [
      'a webhook in clear that only looks like this machine',
      { webhook: { url: 'http://127.0.0.1.example.nhs.uk/' } },
    ],
    ['a webhook with a password in it', { webhook: { url: 'https://x:y@hooks.example.nhs.uk/' } }],
    ['another scheme', { webhook: { url: 'file:///etc/passwd' } }],
  ];
  for (const [name, notices] of wrong) {
    it(`refuses ${name}`, () => assert.equal(noticesForm.safeParse(notices).success, false));
  }

  it('takes a webhook on this machine in clear', () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]'])
      assert.ok(noticesForm.safeParse({ webhook: { url: `http://${host}:9000/` } }).success, host);
  });

  it('finds what is secret in the environment, and says which variable is not set', () => {
    const named = { email: { ...email, user: 'x', password_env: 'PASSWORD_OF_MAIL' }, webhook };
    const notices = configuredNotices(noticesForm.parse(named), files);
    assert.deepEqual(noticeSecrets(notices, { PASSWORD_OF_MAIL: 'secret' }), {
      ...{ smtpPassword: 'secret', webhookSecret: undefined },
    });
    for (const environment of [{}, { PASSWORD_OF_MAIL: '' }]) {
      assert.throws(
        () => noticeSecrets(notices, environment),
        (error) =>
          error instanceof StartError && /email\.password_env .*PASSWORD_OF_MAIL/.test(error.message),
      );
    }
  });
});
