/** What a gateway may be told about who may ask: public, checked where it is read. */
import type { JWTPayload } from "jose";
import type { AuditEntry } from "./audit.ts";

/**
 * Who is let in. "none" lets everybody in who comes from this machine and asks by one of its own names, and nobody else: for trying things out. Otherwise
 * only whoever one of the means given here knows; without any, nobody.
 */
export type Auth = "none" | AuthOptions;

/** The means by which somebody may say who they are. Several may be given. */
export interface AuthOptions {
  /** Tokens that this program has from elsewhere, such as its environment. */
  readonly tokens?: readonly TokenOptions[] | undefined;
  /** A file that `snakepit token` keeps. It is read again within a second when it changes. */
  readonly tokenFile?: string | undefined;
  /** Tokens that somebody else signs, as OpenID Connect providers do. */
  readonly jwt?: JwtOptions | undefined;
  /** Certificates of clients. The server must ask for them (`tls.clientCaFile`). The first rule that fits counts. */
  readonly certificates?: readonly CertificateRule[] | undefined;
}

/** A token and what it allows. */
export interface TokenOptions {
  /** The secret itself: random, at least 32 characters. `createToken()` makes one. */
  readonly token: string;
  /** Who it is for: sessions belong to this name. Several tokens of a name are the same principal, so that one can replace the other. */
  readonly name: string;
  /** What it allows; docs/security.md has the table. */
  readonly scopes: readonly string[];
  /** When it ends. Default: never. */
  readonly expiresAt?: Date | undefined;
}

/** Whose signed tokens count, and what they allow. */
export interface JwtOptions {
  /** Where the keys are: a file with a JSON Web Key Set, or the URL of one (https; http on loopback only). A file is read again when it changes. */
  readonly jwks: string | URL;
  /** Who must have issued a token ("iss"). */
  readonly issuer: string;
  /** Whom a token must be meant for ("aud"). */
  readonly audience: string;
  /** Ways of signing that count. Only asymmetric ones may be given. Default: RS256, PS256, ES256, EdDSA. */
  readonly algorithms?: readonly string[] | undefined;
  /** How far the clocks may differ, in milliseconds. Default 5 s. */
  readonly clockToleranceMs?: number | undefined;
  /**
   * Where the scopes are: the name of a claim that holds them as a list, or as text with spaces between them; or a function that makes them of all claims.
   * Default "scope".
   */
  readonly scopes?: string | ((claims: JWTPayload) => readonly string[]) | undefined;
}

/** A certificate and what it allows. Whatever is given of `subject`, `subjectAltName` and `fingerprint256` must fit, and one of them must be given. */
export interface CertificateRule {
  /** Who it is: sessions belong to this name. */
  readonly name: string;
  /** The whole subject as text, as the server has it, such as "CN=worker,O=Example". */
  readonly subject?: string | undefined;
  /** One of the alternative names, such as "DNS:client.example.com" or "URI:spiffe://example.com/batch". */
  readonly subjectAltName?: string | undefined;
  /** SHA-256 of the certificate in hexadecimal digits, with or without colons. */
  readonly fingerprint256?: string | undefined;
  /** What it allows; docs/security.md has the table. */
  readonly scopes: readonly string[];
}

/** How much one principal, or one address, may ask. */
export interface AccessLimits {
  /** Requests a second of one principal; a second's worth may come at once. Default: no limit. A token of the file may have its own. */
  readonly requestsPerSecond?: number | undefined;
  /** Requests of one principal at the same time, streams included. Default 1,000. A token of the file may have its own. */
  readonly concurrent?: number | undefined;
  /** Failed attempts to be let in from one address (IPv6: one /64 network) in a minute, before it has to wait. Default 60. */
  readonly failuresPerMinute?: number | undefined;
}

/** Where the audit log goes: a file that is appended to, or a function. */
export type Audit = string | ((entry: AuditEntry) => void);

/** Everything that access is made of. */
export interface AccessOptions {
  /** Who is let in. Default: nobody. */
  readonly auth?: Auth | undefined;
  /** How much they may ask. */
  readonly limits?: AccessLimits | undefined;
  /** One entry for each request. Default: none. */
  readonly audit?: Audit | undefined;
  /** Names by which this gateway is asked with `auth: "none"`, beside those of loopback, such as "pit.test". Default: none. */
  readonly hosts?: readonly string[] | undefined;
}
