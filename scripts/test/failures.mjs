/** Says which tests of a suite failed, and why, in few lines. */
import { readFileSync } from "node:fs";

const LINES_OF_ERROR = 24;
const LINES_OF_OUTPUT = 40;
const ERRORS_SHOWN = 8;

const entities = { quot: '"', apos: "'", lt: "<", gt: ">", amp: "&" };
const decodeXml = (text) =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) =>
    name ? (entities[name] ?? all) : String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
  );
const attribute = (tag, name) => decodeXml(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? "");

/** The beginning and the end of a text: a runner says at one of them what was wrong, at the other where. */
function shorten(text, most) {
  const lines = text.trim().split("\n");
  if (lines.length <= most) return lines.join("\n");
  const last = Math.floor(most / 3);
  return [...lines.slice(0, most - last), `… ${lines.length - most} lines …`, ...lines.slice(-last)].join("\n");
}

function fromJUnit(xml) {
  const failures = [];
  for (const [, open, inside] of xml.matchAll(/<testcase\b([^>]*[^/>])>(.*?)<\/testcase>/gs)) {
    const found = /<(?:failure|error)\b([^>]*?)(?:\/>|>(.*?)<\/(?:failure|error)>)/s.exec(inside);
    if (found === null) continue;
    const line = attribute(open, "line");
    const place = [attribute(open, "file"), line].filter(Boolean).join(":");
    const name = [place, attribute(open, "classname"), attribute(open, "name")].filter(Boolean).join(" > ");
    failures.push({ name, text: decodeXml(found[2] ?? "").trim() || attribute(found[1], "message") });
  }
  return failures;
}

/** Bun reports no test for an error that came between two of them, and writes no report when it is ended. */
function fromOutput(output, reported) {
  const between = [...output.matchAll(/^# Unhandled error between tests\n-+\n(.*?)\n-{10,}$/gms)].map(([, text]) => ({
    name: "between tests",
    text,
  }));
  const named = reported ? [] : [...output.matchAll(/^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/gm)].map(([, name]) => ({ name, text: "" }));
  return [...named, ...between];
}

function readXml(path) {
  try {
    return path?.endsWith(".xml") ? readFileSync(path, "utf8") : "";
  } catch {
    return "";
  }
}

/**
 * The failed tests of a suite, by its report and its output.
 *
 * @param {string | undefined} report path of the suite's report
 * @param {string} output all that the suite wrote
 * @returns {{ name: string, text: string }[]} none when the suite names no tests
 */
export function readFailures(report, output) {
  const xml = readXml(report);
  return [...fromJUnit(xml), ...fromOutput(output, xml !== "")];
}

/** What to print of a failed suite: its failed tests with their errors, or the end of its output when nothing says more. */
export function describeFailures(failures, output) {
  const shown = failures.map(({ name, text }, index) => {
    const error = index < ERRORS_SHOWN ? shorten(text, LINES_OF_ERROR).replace(/^(?=.)/gm, "    ") : "";
    return [`  ${name}`, error].filter(Boolean).join("\n");
  });
  if (failures.some(({ text }) => text !== "")) return shown.join("\n");
  return [...shown, ...output.trimEnd().split("\n").slice(-LINES_OF_OUTPUT)].join("\n");
}
