// Hands every document beside this file to the official AsyncAPI parser, which must find nothing wrong.
import { readdirSync, readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const expected = "asyncapi-latest-version"; // the documents are 3.0 on purpose
const here = new URL(".", import.meta.url);
const documents = readdirSync(here).filter((name) => name.endsWith(".asyncapi.yaml"));
if (documents.length === 0) throw new Error("there are no documents beside parse.mjs");

for (const name of documents) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(new URL(name, here), "utf8"));
  const found = diagnostics.filter(({ code }) => code !== expected);
  for (const { message, path, code, range } of found) {
    console.error(`${name}:${range.start.line + 1}: ${message} [${code}] at ${path.join("/")}`);
  }
  if (found.length > 0 || document === undefined) process.exitCode = 1;
}
