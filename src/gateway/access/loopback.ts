/**
 * What `auth: "none"` still asks: that a request comes from this machine, by one of its names, and not from a web page of somebody else.
 *
 * A web page can make the browser of this machine ask here. It cannot change the Host header: when its own name is made to point to 127.0.0.1 (DNS rebinding)
 * Host has that name. And it cannot leave out Origin where it could do harm.
 */
import { InvalidOptions, PermissionDenied } from "../../errors/index.ts";
import type { RequestHead } from "../http/site.ts";
import type { Auth } from "./options.ts";

/** Whether this host, without a port, is this machine and nobody else. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    name === "[::1]" ||
    // Numbers are what a browser takes for an address; a name such as 127.evil.example is none.
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name) ||
    /^::ffff:127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
  );
}

/**
 * Checks before a server listens that what it listens on fits who is let in.
 *
 * @throws InvalidOptions when everybody would be let in from elsewhere, or nobody could be let in at all.
 */
export function checkListening(host: string, auth: Auth | undefined): void {
  if (auth === "none" && !isLoopback(host)) {
    throw new InvalidOptions({
      option: "auth",
      expected: `other than "none" to listen on ${host}: without authentication only loopback may be listened on, such as 127.0.0.1`,
    });
  }
  if (auth === "none") return;
  const { tokens = [], tokenFile, jwt, certificates = [] } = auth ?? {};
  if (tokens.length === 0 && tokenFile === undefined && jwt === undefined && certificates.length === 0) {
    throw new InvalidOptions({
      option: "auth",
      expected: 'given: tokens, a file of tokens, JWT or certificates; or "none" on loopback. Otherwise nobody could be let in',
    });
  }
}

/** Throws PermissionDenied unless the request comes from this machine and not from another site's page. */
export function checkLocal(request: RequestHead, hosts: ReadonlySet<string>): void {
  const { headers, peer, url } = request;
  if (!peer.loopback) throw new PermissionDenied({ action: "to ask from another machine, since this gateway runs without authentication" });
  for (const host of [headers.get("host"), url.host]) {
    if (host !== null && !isOwnName(host, hosts)) {
      throw new PermissionDenied({
        action: "to ask by this name (the Host header), since this gateway runs without authentication. Use 127.0.0.1 or localhost",
      });
    }
  }
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  const isForeign =
    (origin !== null && origin !== `${url.protocol}//${headers.get("host") ?? url.host}`) || site === "cross-site" || site === "same-site";
  if (isForeign)
    throw new PermissionDenied({
      action: "to ask from another site's page (the Origin header), since this gateway runs without authentication",
    });
}

function isOwnName(host: string, hosts: ReadonlySet<string>): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  return isLoopback(name) || hosts.has(name) || hosts.has(host.toLowerCase());
}
