import { describe, expect, it } from 'vitest';
import { forbiddenAddress, type ForbiddenAddress } from '../../src/domain/ip-address.js';

describe('forbiddenAddress', () => {
  it.each<{ address: string; is: ForbiddenAddress | undefined; reason: string }>([
    { address: '127.0.0.1', is: undefined, reason: 'loopback is what health checks look at' },
    { address: '10.1.2.3', is: undefined, reason: 'a private network is where services live' },
    { address: '192.168.0.9', is: undefined, reason: 'a private network is where services live' },
    { address: '93.184.216.34', is: undefined, reason: 'public' },
    { address: '169.253.255.255', is: undefined, reason: 'just before the link-local range' },
    { address: '169.255.0.0', is: undefined, reason: 'just after it' },
    { address: '169.254.169.254', is: 'link-local', reason: 'the metadata service of most clouds' },
    { address: '169.254.0.1', is: 'link-local', reason: 'the whole range' },
    { address: '100.100.100.200', is: 'metadata', reason: 'Alibaba' },
    { address: '168.63.129.16', is: 'metadata', reason: 'Azure' },
    { address: '224.0.0.1', is: 'multicast', reason: 'nobody in particular' },
    { address: '255.255.255.255', is: 'multicast', reason: 'broadcast' },
    { address: '::1', is: undefined, reason: 'loopback' },
    { address: '::', is: undefined, reason: 'unspecified reaches loopback' },
    { address: '2001:db8::1', is: undefined, reason: 'an ordinary address' },
    { address: 'fd12:3456::1', is: undefined, reason: 'a unique local address is a private network' },
    { address: 'fe80::1', is: 'link-local', reason: 'IPv6 link-local' },
    { address: 'FEBF::1', is: 'link-local', reason: 'the end of the range, in capitals' },
    { address: 'fe80::1%eth0', is: 'link-local', reason: 'with a zone' },
    { address: '[fe80::1]', is: 'link-local', reason: 'in the brackets of a URL' },
    { address: 'fd00:ec2::254', is: 'metadata', reason: 'AWS over IPv6' },
    { address: 'fd00:0ec2:0:0:0:0:0:0254', is: 'metadata', reason: 'the same written out' },
    { address: 'ff02::1', is: 'multicast', reason: 'IPv6 multicast' },
    { address: '::ffff:169.254.169.254', is: 'link-local', reason: 'mapped IPv4' },
    { address: '::ffff:a9fe:a9fe', is: 'link-local', reason: 'mapped IPv4 in hexadecimal' },
    { address: '::ffff:127.0.0.1', is: undefined, reason: 'mapped loopback' },
    { address: '64:ff9b::a9fe:a9fe', is: 'link-local', reason: 'NAT64' },
    { address: '2002:a9fe:a9fe::', is: 'link-local', reason: '6to4' },
    { address: '::169.254.169.254', is: 'link-local', reason: 'the old IPv4-compatible form' },
    { address: '169.254.169', is: 'unreadable', reason: 'too few parts' },
    { address: '0251.0376.0251.0376', is: 'unreadable', reason: 'octal is never what a resolver gives' },
    { address: '1.2.3.256', is: 'unreadable', reason: 'out of range' },
    { address: '1::2::3', is: 'unreadable', reason: 'two gaps' },
    { address: '1:2:3:4:5:6:7:8:9', is: 'unreadable', reason: 'too many groups' },
    { address: '', is: 'unreadable', reason: 'nothing' },
    { address: 'localhost', is: 'unreadable', reason: 'a name is not an address' },
  ])('$address is $is: $reason', ({ address, is }) => {
    expect(forbiddenAddress(address)).toBe(is);
  });
});
