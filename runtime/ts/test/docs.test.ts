// The guide's snippets compile, each as a module of its own.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "docs-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** What the snippets leave to the reader. */
const given = `
import type { Channel, Message, RoomChannel, Socket as S } from "./chat.gen";
declare global {
  type Message = import("./chat.gen").Message;
  const Socket: typeof S;
  const socket: S;
  const lobby: Channel<RoomChannel>;
  const signal: AbortSignal;
  function show(author: string, text: string): void;
  function repaint(messages: Message[]): void;
  function askForAnotherName(reason: string): void;
  function showBanner(shown: boolean): void;
  function retryIn(ms: number): void;
  function warn(text: string): void;
  function fetchToken(): Promise<string>;
  function currentName(): Promise<string>;
}
`;

test.each(["typescript", "typescript-5.9"])("every snippet of docs/client.md compiles with %s", (compiler) => {
  const guide = readFileSync(join(root, "docs/client.md"), "utf8");
  const snippets = [...guide.matchAll(/^```(tsx?)\n(.*?)^```/gms)];
  expect(snippets.length).toBeGreaterThan(9);
  for (const [index, [, kind, code]] of snippets.entries()) writeFileSync(join(dir, `${index}.${kind}`), `${code}\nexport {};\n`);
  for (const name of ["chat.gen.ts", "chat.react.ts"]) copyFileSync(join(root, "testdata/typescript", name), join(dir, name));
  rmSync(join(dir, "node_modules"), { force: true });
  symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
  writeFileSync(join(dir, "given.d.ts"), given);
  const options = { jsx: "react-jsx", types: [], skipLibCheck: true, noUnusedLocals: false, isolatedDeclarations: false };
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions: options, include: ["*.ts", "*.tsx"] }));
  try {
    execFileSync(process.execPath, [join(root, "node_modules", compiler, "bin/tsc"), "-p", dir]);
  } catch (error) {
    expect.unreachable(String((error as { stdout?: Buffer }).stdout));
  }
}, 60_000);
