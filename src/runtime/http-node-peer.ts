/** Who is at the other end of a connection of Node's servers. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { TLSSocket } from "node:tls";
import { type Peer, type PeerCertificate, peerAt } from "./http-peer.ts";
import { currentRuntime } from "./runtime.ts";

/** A peer does not change while its connection lasts, and reading a certificate takes longer than the rest of a request's head. */
const known = new WeakMap<object, Peer>();

/** The other end of a request's connection. */
export function nodePeer(request: IncomingMessage | Http2ServerRequest): Peer {
  const connection = "stream" in request ? request.stream.session : request.socket;
  if (connection == null) return peerAt(undefined);
  let peer = known.get(connection);
  if (peer === undefined) {
    const socket = "socket" in connection ? connection.socket : connection;
    peer = { ...peerAt(socket.remoteAddress), certificate: certificateOf(socket) };
    known.set(connection, peer);
  }
  return peer;
}

function certificateOf(socket: object): PeerCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject, subjectaltname, fingerprint256 } = socket.getPeerCertificate();
  if (fingerprint256 === undefined) return undefined;
  return { subject: subjectText(inOrder(subject)), subjectAltNames: splitNames(subjectaltname ?? ""), fingerprint256 };
}

/** The parts of a subject as they stand in the certificate. Deno gives the last one first. */
const inOrder = (subject: object): object =>
  currentRuntime().name === "deno" ? Object.fromEntries(Object.entries(subject).reverse()) : subject;

/** "CN=worker,O=Example". What separates the parts is escaped within them, so that one cannot pass for two. */
export const subjectText = (subject: object | undefined): string =>
  Object.entries(subject ?? {})
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}=${String(value).replaceAll(/[\\",=]/g, "\\$&")}`))
    .join(",");

/** Names stand with ", " between them. One that holds a comma stands in quotes, so that it cannot pass for two. */
export function splitNames(text: string): string[] {
  return [...text.matchAll(/(?<kind>[^:,]+):(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<plain>[^",]*))(?:, |$)/g)].map(({ groups }) =>
    groups?.["quoted"] === undefined
      ? `${groups?.["kind"]}:${groups?.["plain"]}`
      : `${groups["kind"]}:${JSON.parse(`"${groups["quoted"]}"`)}`,
  );
}
