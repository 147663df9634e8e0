import assert from 'node:assert/strict';

import { addressOctets } from '../../src/trust/ip-address.ts';

describe('the octets of an IP address', () => {
  const KNOWN: Readonly<Record<string, string>> = {
    '10.1.2.3': '0a010203',
    '::': '00000000000000000000000000000000',
    '::1': '00000000000000000000000000000001',
    '2001:db8::1': '20010db8000000000000000000000001',
    '2001:db8::': '20010db8000000000000000000000000',
    '::2:3:4:5:6:7:8': '00000002000300040005000600070008',
    '1:2:3:4:5:6:7:8': '00010002000300040005000600070008',
    '::ffff:10.1.2.3': '00000000000000000000ffff0a010203',
    '64:ff9b::192.0.2.33': '0064ff9b0000000000000000c0000221',
    '1:2:3:4:5:6:1.2.3.4': '00010002000300040005000601020304',
    '2001:DB8:0:0:0:0:0:1': '20010db8000000000000000000000001',
  };
  for (const [ip, octets] of Object.entries(KNOWN)) {
    it(`are those of ${ip}`, () => assert.equal(addressOctets(ip)?.toString('hex'), octets));
  }

  for (const no of ['', '10.1.2', '10.1.2.3/8', '256.1.1.1', 'localhost', 'fe80::1%eth0', '1::2::3', ':1']) {
    it(`are none of ${JSON.stringify(no)}`, () => assert.equal(addressOctets(no), undefined));
  }
});
