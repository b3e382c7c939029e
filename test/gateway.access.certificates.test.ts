/** Clients with certificates, over real TLS. The servers of Node and of Bun ask for them. */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { AuthOptions } from "../src/gateway.ts";
import { GatewayService } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { endGateways, makeTokens, startGateway } from "./gateway.access.support.ts";

afterAll(endGateways);

const path = (name: string): string => fileURLToPath(new URL(`certificates/${name}`, import.meta.url));
const tls = { certFile: path("server.pem"), keyFile: path("server.key"), clientCaFile: path("authority.pem") };
const own = { cert: readFileSync(path("client.pem")), key: readFileSync(path("client.key")) };
const ca = readFileSync(path("authority.pem"));

describe.each(["node", "bun"] as const)("on %s", (runtime) => {
  test("one that fits a rule is who the rule says; a token counts before it; one that fits none is nobody", async () => {
    const { file, secrets } = await makeTokens();
    const certificates: AuthOptions["certificates"] = [
      { name: "other", subject: "CN=client,O=Else", scopes: ["*"] },
      { name: "batch", subjectAltName: "URI:spiffe://example/batch", scopes: ["tool:add"] },
    ];
    const gateway = await startGateway(runtime, { tls, auth: { tokenFile: file, certificates } });
    const stricter = await startGateway(runtime, { tls, auth: { certificates: certificates.slice(0, 1) } });
    const clientOf = (url: string) =>
      createClient(
        GatewayService,
        createConnectTransport({ baseUrl: url.replace("127.0.0.1", "localhost"), httpVersion: "1.1", nodeOptions: { ca, ...own } }),
      );
    const client = clientOf(gateway.url);
    const names = async (headers: HeadersInit = {}) => (await client.listTools({}, { headers })).tools.map(({ name }) => name);
    expect(await names()).toEqual(["add"]);
    expect(await names({ authorization: `Bearer ${secrets.adder}` })).toEqual(["add", "countdown"]);
    await expect(names({ authorization: `Bearer ${secrets.revoked}` })).rejects.toMatchObject({ code: Code.Unauthenticated });
    await expect(clientOf(stricter.url).listTools({})).rejects.toMatchObject({ code: Code.Unauthenticated });
    expect(await gateway.stop()).toBe(0);
    expect(gateway.logged()).toContain('"principal":"certificate:batch"');
  }, 60_000);
});
