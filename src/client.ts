/**
 * What programs without Node's modules share with the host: the family of errors, and the types of tools and calls. Nothing here uses more than
 * `fetch` has.
 *
 * @module
 */
export * from "./errors/index.ts";
export type { Progress } from "./tool/call.ts";
export type { ParameterInfo, ToolInfo } from "./tool/info.ts";
