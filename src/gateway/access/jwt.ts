/** Tokens that somebody else has signed: JSON Web Tokens, checked with the keys of their issuer. */
import { fileURLToPath } from "node:url";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  errors as joseErrors,
  jwtVerify,
} from "jose";
import { InvalidOptions } from "../../errors/index.ts";
import { ChangingFile, readJson } from "./changing-file.ts";
import { type Known, principal, type Recognised } from "./credentials.ts";
import { isLoopback } from "./loopback.ts";
import type { JwtOptions } from "./options.ts";
import { reasonOf } from "./tokens.ts";

/** Ways of signing with a public key. "none" and shared secrets (HS256) are not among them: with those, whoever can check a token can make one. */
const asymmetric = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
const defaultAlgorithms = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"];
const defaultToleranceMs = 5_000;
/** A token that was checked is not checked again for so long, in milliseconds. A key that its issuer takes back counts so much longer. */
const CHECKED_MS = 60_000;
/** Checked tokens that are remembered. */
const MAX_CHECKED = 1_000;
/** Longer subjects are not taken: they become ids that are kept with sessions. */
const MAX_SUBJECT = 200;

/** Recognises signed tokens. */
export interface JwtCheck {
  /** Who it is, when the token was checked a short time ago; undefined when it has to be checked. Costs little. */
  remembered(hashed: string): Known | undefined;
  /** Checks a token. */
  check(token: string, hashed: string): Promise<Recognised>;
}

/** Whether a bearer token has the form of a JWT. */
export const looksLikeJwt = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);

/**
 * Makes the check of signed tokens.
 *
 * @param onChange Hears that a file of keys was read again, and what is wrong with it.
 * @throws InvalidOptions
 */
export function jwtCheck(options: JwtOptions, onChange: (problem: unknown) => void, now: () => number): JwtCheck {
  const { issuer, audience, algorithms = defaultAlgorithms, clockToleranceMs = defaultToleranceMs, scopes = "scope" } = options;
  if (issuer === "") throw new InvalidOptions({ option: "auth.jwt.issuer", expected: "the issuer's name" });
  if (audience === "") throw new InvalidOptions({ option: "auth.jwt.audience", expected: "whom tokens are meant for" });
  if (!(clockToleranceMs >= 0 && clockToleranceMs <= 600_000))
    throw new InvalidOptions({ option: "auth.jwt.clockToleranceMs", expected: "a number from 0 to 600000" });
  const wrong = algorithms.find((name) => !asymmetric.includes(name));
  if (wrong !== undefined || algorithms.length === 0)
    throw new InvalidOptions({ option: "auth.jwt.algorithms", expected: `a list of ${asymmetric.join(", ")}` });
  const keys = keySet(options.jwks, onChange, now);
  const scopesOf = typeof scopes === "string" ? (claims: JWTPayload) => listOf(claims[scopes]) : scopes;
  const checked = new Map<string, { readonly known: Known; readonly until: number }>();

  return {
    remembered: (hashed) => {
      const found = checked.get(hashed);
      if (found === undefined) return undefined;
      if (found.until > now()) return found.known;
      checked.delete(hashed);
      return undefined;
    },
    check: async (token, hashed) => {
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms: [...algorithms],
          clockTolerance: clockToleranceMs / 1_000,
          requiredClaims: ["sub", "exp"],
          currentDate: new Date(now()),
        });
        const { sub = "", exp = 0 } = payload;
        if (sub === "" || sub.length > MAX_SUBJECT)
          return { reason: `the token's subject is empty or longer than ${MAX_SUBJECT} characters` };
        const known = { principal: principal("jwt", sub, scopesOf(payload)) };
        if (checked.size >= MAX_CHECKED) for (const oldest of checked.keys()) if (checked.delete(oldest)) break;
        checked.set(hashed, { known, until: Math.min(now() + CHECKED_MS, exp * 1_000 + clockToleranceMs) });
        return known;
      } catch (error) {
        return { reason: whyNot(error) };
      }
    },
  };
}

function keySet(source: string | URL, onChange: (problem: unknown) => void, now: () => number): JWTVerifyGetKey {
  const url = urlOf(source);
  if (url !== undefined && url.protocol !== "file:") {
    if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
      throw new InvalidOptions({
        option: "auth.jwt.jwks",
        expected: "a file, or a URL with https (http on loopback only): whoever can change the answer can make tokens",
      });
    }
    return createRemoteJWKSet(url);
  }
  const path = url === undefined ? String(source) : fileURLToPath(url);
  try {
    // What the file holds is looked at by createLocalJWKSet.
    const file = new ChangingFile(path, (path) => createLocalJWKSet(readJson(path) as JSONWebKeySet), onChange, now);
    return (header, token) => file.value(header, token);
  } catch (cause) {
    throw new InvalidOptions({ option: "auth.jwt.jwks", expected: `a file with a JSON Web Key Set: ${reasonOf(cause)}` }, { cause });
  }
}

const urlOf = (source: string | URL): URL | undefined => {
  if (source instanceof URL) return source;
  return /^[a-z][a-z+.-]+:\/\//i.test(source) ? new URL(source) : undefined;
};

const listOf = (claim: unknown): readonly string[] => {
  if (typeof claim === "string") return claim.split(" ");
  return Array.isArray(claim) ? claim.filter((item) => typeof item === "string") : [];
};

/** Says what is wrong, and nothing of what the token or our keys hold. */
function whyNot(error: unknown): string {
  if (error instanceof joseErrors.JWTExpired) return "the token has expired";
  if (error instanceof joseErrors.JWTClaimValidationFailed) return `the token's claim "${error.claim}" does not fit`;
  if (error instanceof joseErrors.JOSEAlgNotAllowed) return "the token is signed in a way that does not count here";
  if (error instanceof joseErrors.JWKSNoMatchingKey) return "the token is signed with a key that is not known";
  if (error instanceof joseErrors.JWSSignatureVerificationFailed) return "the token's signature does not fit";
  if (error instanceof joseErrors.JWSInvalid || error instanceof joseErrors.JWTInvalid || error instanceof joseErrors.JOSENotSupported)
    return "the token is malformed";
  return "the keys to check the token with cannot be had";
}
