/**
 * The gateway of Snakepit: what a pit offers to browsers, edge functions and other languages, over Connect, gRPC-Web and gRPC.
 *
 * `serve` opens one with a server of its own, `Gateway.open` one to mount in a server that is there.
 *
 * @module
 */
export type { AuditEntry } from "./gateway/access/audit.ts";
export type { AccessLimits, Audit, Auth, AuthOptions, CertificateRule, JwtOptions, TokenOptions } from "./gateway/access/options.ts";
export { createToken } from "./gateway/access/secrets.ts";
export { Gateway, type Served, serve } from "./gateway/gateway.ts";
export type { CorsOrigins } from "./gateway/http/cors.ts";
export type { FetchHandler } from "./gateway/http/fetch.ts";
export type { NodeHandler } from "./gateway/http/node.ts";
export type { Peer, PeerCertificate } from "./gateway/http/site.ts";
export type { GatewayLimits, GatewayOptions, ServeOptions } from "./gateway/options.ts";
export type { TlsFiles } from "./runtime/http-tls.ts";
