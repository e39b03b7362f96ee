// Answers, for each line "schema <tab> path of a check <tab> payload in base64", with a line of JSON: what is wrong with
// the payload, or null.
import { createInterface } from "node:readline";
import { checks as chat } from "./chat.check.ts";
import { checks as kitchen } from "./kitchen.check.ts";
import { checks as limits } from "./limits.check.ts";
import { checks as strict } from "./strict.check.ts";

const schemas = { chat, kitchen, limits, strict };
const bytes = (base64) => new Uint8Array(Buffer.from(base64, "base64"));

for await (const line of createInterface({ input: process.stdin })) {
  const [schema, path, payload] = line.split("\t");
  const check = path.split("/").reduce((table, name) => table[name], schemas[schema]);
  process.stdout.write(`${JSON.stringify(check.text(bytes(payload)) ?? null)}\n`);
}
