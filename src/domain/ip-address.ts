/** Why an address is refused by default: what answers there is the machine's own cloud or network, not a service. */
export type ForbiddenAddress = 'link-local' | 'metadata' | 'multicast' | 'unreadable';

/** Where clouds serve instance credentials outside the link-local range: Alibaba, Azure, Oracle; AWS and Google over IPv6. */
const METADATA: ReadonlySet<string> = new Set(['100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2:0:0:0:0:0:254', 'fd20:ce:0:0:0:0:0:254']);

/**
 * Classifies an address as a resolver or a URL gives it. `undefined` means that it may be reached;
 * loopback and private networks may, since health checks usually look at the service next door.
 * An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged as the IPv4 address. What
 * cannot be read is refused.
 */
export function forbiddenAddress(address: string): ForbiddenAddress | undefined {
  const bytes = parseIpv4(address);
  if (bytes !== undefined) return forbiddenIpv4(bytes);
  const groups = parseIpv6(address);
  if (groups === undefined) return 'unreadable';
  const embedded = embeddedIpv4(groups);
  if (embedded !== undefined) return forbiddenIpv4(embedded);
  const first = groups[0] ?? 0;
  if ((first & 0xffc0) === 0xfe80) return 'link-local';
  if ((first & 0xff00) === 0xff00) return 'multicast';
  if (METADATA.has(groups.map((group) => group.toString(16)).join(':'))) return 'metadata';
  return undefined;
}

function forbiddenIpv4(bytes: readonly number[]): ForbiddenAddress | undefined {
  const [first = 0, second = 0] = bytes;
  if (first === 169 && second === 254) return 'link-local';
  if (METADATA.has(bytes.join('.'))) return 'metadata';
  if (first >= 224) return 'multicast';
  return undefined;
}

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIpv6(text: string): readonly number[] | undefined {
  const bare = withoutTrailingIpv4(text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '').toLowerCase());
  if (bare === undefined) return undefined;
  const halves = bare.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = [groupsOf(halves[0] ?? ''), halves.length === 2 ? groupsOf(halves[1] ?? '') : []];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

/** `::ffff:1.2.3.4` becomes `::ffff:102:304`. */
function withoutTrailingIpv4(text: string): string | undefined {
  if (!text.includes('.')) return text;
  const colon = text.lastIndexOf(':');
  const bytes = parseIpv4(text.slice(colon + 1));
  if (colon < 0 || bytes === undefined) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return `${text.slice(0, colon + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function groupsOf(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  return groups.every((group) => /^[0-9a-f]{1,4}$/.test(group)) ? groups.map((group) => Number.parseInt(group, 16)) : undefined;
}

function embeddedIpv4(groups: readonly number[]): readonly number[] | undefined {
  const [first = 0, second = 0, third = 0] = groups;
  const zeros = (from: number, to: number) => groups.slice(from, to).every((group) => group === 0);
  const mapped = zeros(0, 5) && groups[5] === 0xffff;
  const compatible = zeros(0, 6) && (groups[6] ?? 0) !== 0;
  const nat64 = first === 0x64 && second === 0xff9b && zeros(2, 6);
  if (mapped || compatible || nat64) return bytesOf(groups[6] ?? 0, groups[7] ?? 0);
  return first === 0x2002 ? bytesOf(second, third) : undefined;
}

function bytesOf(high: number, low: number): readonly number[] {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff];
}
