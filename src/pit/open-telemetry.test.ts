import { afterEach, expect, test } from "bun:test";
import { hasCollector } from "./open-telemetry.ts";

const names = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_SDK_DISABLED"];
const before = names.map((name) => process.env[name]);
afterEach(() => {
  for (const [at, name] of names.entries()) {
    const value = before[at];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

test("a collector is there when a variable names one, and OpenTelemetry is not turned off", () => {
  for (const name of names) delete process.env[name];
  expect(hasCollector()).toBe(false);
  process.env["OTEL_EXPORTER_OTLP_HEADERS"] = "a=b";
  expect(hasCollector()).toBe(false);
  process.env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://localhost:1";
  expect(hasCollector()).toBe(true);
  process.env["OTEL_SDK_DISABLED"] = "true";
  expect(hasCollector()).toBe(false);
});
