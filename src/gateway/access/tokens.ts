/** Bearer tokens that the gateway knows by their hashes. */
import { existsSync } from "node:fs";
import { InvalidOptions } from "../../errors/index.ts";
import { ChangingFile } from "./changing-file.ts";
import { type Known, principal, type Recognised } from "./credentials.ts";
import type { TokenOptions } from "./options.ts";
import { isScope, scopeForms } from "./scopes.ts";
import { hashOf, minTokenLength, Secrets } from "./secrets.ts";
import { isTokenName, readTokenFile, tokenNameForm } from "./token-file.ts";

interface Token {
  readonly known: Known;
  /** As `Date.now()`; undefined for never. */
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
}

/** Recognises a token by its hash; undefined when it is not known. */
export type FindToken = (hashed: string) => Recognised | undefined;

/** Makes the search in the tokens that the program gave. Throws InvalidOptions. */
export function givenTokens(tokens: readonly TokenOptions[], now: () => number): FindToken {
  const secrets = new Secrets(
    tokens.map(({ token, name, scopes, expiresAt }, index): [string, Token] => {
      const option = `auth.tokens[${index}]`;
      if (token.length < minTokenLength)
        throw new InvalidOptions({ option: `${option}.token`, expected: `a random secret of at least ${minTokenLength} characters` });
      if (!isTokenName(name)) throw new InvalidOptions({ option: `${option}.name`, expected: tokenNameForm });
      checkScopes(`${option}.scopes`, scopes);
      // Of one that is no point in time nothing could be said but that it never ends.
      if (expiresAt !== undefined && !Number.isFinite(expiresAt.getTime()))
        throw new InvalidOptions({ option: `${option}.expiresAt`, expected: "a point in time" });
      return [
        hashOf(token),
        { known: { principal: principal("token", name, scopes) }, expiresAt: expiresAt?.getTime(), revokedAt: undefined },
      ];
    }),
  );
  return (hashed) => recognise(secrets.find(hashed), now());
}

/**
 * Makes the search in the tokens of a file, which is read again when it changes. A file that is taken away has no tokens; one that cannot be understood, as
 * when it is half written, leaves those that it had.
 *
 * @param onChange Hears that it was read again, and what is wrong with it.
 * @throws InvalidOptions when it cannot be read now.
 */
export function fileTokens(path: string, onChange: (problem: unknown) => void, now: () => number): FindToken {
  try {
    readTokenFile(path);
    const file = new ChangingFile(path, (path) => (existsSync(path) ? readSecrets(path) : new Secrets<Token>([])), onChange, now);
    return (hashed) => recognise(file.value.find(hashed), now());
  } catch (cause) {
    throw new InvalidOptions(
      { option: "auth.tokenFile", expected: `a file of tokens, as "snakepit token create" makes it: ${reasonOf(cause)}` },
      { cause },
    );
  }
}

/** Throws InvalidOptions unless each is a scope. */
export function checkScopes(option: string, scopes: readonly string[]): void {
  const wrong = scopes.find((scope) => !isScope(scope));
  if (wrong !== undefined)
    throw new InvalidOptions({ option, expected: `a list of scopes, and ${JSON.stringify(wrong)} is none of ${scopeForms}` });
}

/** What went wrong, as a sentence. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function readSecrets(path: string): Secrets<Token> {
  return new Secrets(
    readTokenFile(path).map(({ hash, name, scopes, expiresAt, revokedAt, requestsPerSecond, concurrent }): [string, Token] => [
      hash,
      {
        known: { principal: principal("token", name, scopes), requestsPerSecond, concurrent },
        expiresAt: timeOf(expiresAt),
        revokedAt: timeOf(revokedAt),
      },
    ]),
  );
}

const timeOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));

/** Only whoever has a token learns that it has ended. */
function recognise(token: Token | undefined, now: number): Recognised | undefined {
  if (token === undefined) return undefined;
  const { known, expiresAt, revokedAt } = token;
  if (revokedAt !== undefined && revokedAt <= now) return { reason: "the token was revoked", claims: known.principal.id };
  if (expiresAt !== undefined && expiresAt <= now) return { reason: "the token has expired", claims: known.principal.id };
  return known;
}
