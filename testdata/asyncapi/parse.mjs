// Hands every document beside this file to the official AsyncAPI parser, which must find nothing wrong.
import { readdirSync, readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const here = new URL(".", import.meta.url);
const documents = readdirSync(here).filter((name) => name.endsWith(".asyncapi.yaml"));
if (documents.length === 0) throw new Error("there are no documents beside parse.mjs");

for (const name of documents) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(new URL(name, here), "utf8"));
  for (const { severity, message, path, code, range } of diagnostics) {
    console.log(`${name}:${range.start.line + 1}: ${["error", "warning", "info", "hint"][severity]}: ${message} [${code}] at ${path.join("/")}`);
    if (severity === 0) process.exitCode = 1;
  }
  if (document === undefined) process.exitCode = 1;
}
