/** The other end of a connection over HTTP. */

/** As much as the server knows of it. */
export interface Peer {
  readonly address: string | undefined;
  readonly loopback: boolean;
  /** What it has proven to be by TLS, where the server asked for it. */
  readonly certificate: PeerCertificate | undefined;
}

/** A certificate that the server's own authorities have signed. */
export interface PeerCertificate {
  readonly subject: string;
  readonly subjectAltNames: readonly string[];
  readonly fingerprint256: string;
}

/** One of which nothing is known: that of a request that another server has handed over without saying more. */
export const unknownPeer: Peer = { address: undefined, loopback: false, certificate: undefined };

/** One that is known by its address alone. */
export function peerAt(address: string | undefined): Peer {
  return { address, loopback: address !== undefined && isLoopback(address), certificate: undefined };
}

/** Whether an address is of this machine alone. IPv4 addresses may be written as IPv6 ones. */
function isLoopback(address: string): boolean {
  const plain = address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
  return plain === "::1" || plain.startsWith("127.");
}
