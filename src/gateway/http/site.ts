/** The seam between how requests come in and what they are answered with. */
import type { ConnectRouter, ContextValues } from "@connectrpc/connect";
import type { Peer } from "../../runtime/http-peer.ts";

export type { Peer, PeerCertificate } from "../../runtime/http-peer.ts";

/** What a gateway answers, free of how requests come in. */
export interface Site {
  /** Adds its services to the router. */
  routes(router: ConnectRouter): void;
  /**
   * Decides whether a request is let in, before its body is read, and gives what handlers know about who asks. Throws a member of the family
   * (Unauthenticated, PermissionDenied, RateLimited), or resolves. Public paths (health) are let in by it too.
   */
  admit(request: RequestHead): Promise<Admission>;
  /** Answers what is no RPC; undefined when there is nothing of this name. */
  page(request: RequestHead, admission: Admission): Promise<Response | undefined>;
}

/** A request before its body is read. */
export interface RequestHead {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly peer: Peer;
}

/** What was decided when a request was let in. */
export interface Admission {
  readonly values: ContextValues;
  /** Called once, when the answer has ended, however it ended. */
  release(): void;
}
