/** Says who sends a request, by the means that the gateway was given. */
import type { RequestHead } from "../http/site.ts";
import { certificateRules } from "./certificates.ts";
import { type Known, principal, type Recognised } from "./credentials.ts";
import { jwtCheck, looksLikeJwt } from "./jwt.ts";
import { checkLocal } from "./loopback.ts";
import type { Auth } from "./options.ts";
import { hashOf } from "./secrets.ts";
import { fileTokens, givenTokens } from "./tokens.ts";

/** No token is longer, in characters. A JWT with many claims has some thousand. */
const MAX_TOKEN = 16_384;

/** Says who sends a request. */
export interface Recogniser {
  /** At once, for whoever was known before; undefined when it has to be checked what was sent. Throws PermissionDenied. */
  atOnce(request: RequestHead): Recognised | undefined;
  /** Checks what costs something to check. */
  check(request: RequestHead): Promise<Recognised>;
}

/**
 * Makes what recognises requests.
 *
 * @param hosts Names of this gateway, for `auth: "none"`.
 * @param onChange Hears that a file was read again, and what is wrong with it.
 * @throws InvalidOptions
 */
export function recogniser(auth: Auth, hosts: readonly string[], onChange: (problem: unknown) => void, now: () => number): Recogniser {
  if (auth === "none") return everybodyHere(hosts);
  const given = givenTokens(auth.tokens ?? [], now);
  const ofFile = auth.tokenFile === undefined ? undefined : fileTokens(auth.tokenFile, onChange, now);
  const jwt = auth.jwt === undefined ? undefined : jwtCheck(auth.jwt, onChange, now);
  const rule = certificateRules(auth.certificates ?? []);

  return {
    atOnce: (request) => {
      const header = request.headers.get("authorization");
      // Whoever sends a token is asked for it, whatever certificate there is: a token that has ended does not go on by another way.
      if (header === null) return byCertificate(request);
      const token = bearer(header);
      if (token === undefined) return { reason: 'the Authorization header is not "Bearer" and a token' };
      const hashed = hashOf(token);
      const found = given(hashed) ?? ofFile?.(hashed) ?? jwt?.remembered(hashed);
      if (found !== undefined) return found;
      return jwt !== undefined && looksLikeJwt(token) ? undefined : { reason: "the token is not known" };
    },
    check: async (request) => {
      const token = bearer(request.headers.get("authorization") ?? "");
      return jwt === undefined || token === undefined ? { reason: "the token is not known" } : jwt.check(token, hashOf(token));
    },
  };

  function byCertificate({ peer: { certificate } }: RequestHead): Recognised {
    if (certificate === undefined) return { reason: "no token was sent. Send the header Authorization: Bearer TOKEN" };
    return rule(certificate) ?? { reason: "no token was sent, and the certificate is none that may come in" };
  }
}

function everybodyHere(hosts: readonly string[]): Recogniser {
  const names = new Set(hosts.map((host) => host.toLowerCase()));
  const local: Known = { principal: principal("none", "local", ["*"]) };
  const atOnce = (request: RequestHead): Known => {
    checkLocal(request, names);
    return local;
  };
  return { atOnce, check: async (request) => atOnce(request) };
}

/** The token of an Authorization header. */
const bearer = (header: string): string | undefined =>
  header.length > MAX_TOKEN ? undefined : /^Bearer +([\w.~+/=-]+) *$/i.exec(header)?.[1];
