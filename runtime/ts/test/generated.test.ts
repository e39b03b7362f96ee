// What generated modules promise as a whole: no `any` in them, and nothing in a bundle that is not used.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import ts from "typescript-5.9";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The places in a program's files, tests and libraries excepted, that are of type any, said or inferred. */
function anys(files: string[]): string[] {
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    strict: true,
    noEmit: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    const said = node.kind === ts.SyntaxKind.AnyKeyword;
    const declared =
      ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isParameter(node) || ts.isPropertySignature(node) || ts.isPropertyDeclaration(node);
    const named = declared && ts.isIdentifier(node.name);
    const signature = ts.isFunctionLike(node) ? checker.getSignatureFromDeclaration(node) : undefined;
    const type = named ? checker.getTypeAtLocation(node) : signature && checker.getReturnTypeOfSignature(signature);
    if (said || (type && type.flags & ts.TypeFlags.Any)) {
      const { line } = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart());
      found.push(`${node.getSourceFile().fileName}:${line + 1}: ${node.getText().split("\n", 1)[0]}`);
    }
    node.forEachChild(look);
  };
  for (const file of files) look(program.getSourceFile(file)!);
  return found;
}

test("generated modules contain no any", { timeout: 60_000 }, () => {
  const files = ["typescript", "agreement"].flatMap((dir) =>
    readdirSync(`${root}/testdata/${dir}`)
      .filter((name) => /\.(gen|check)\.ts$/.test(name))
      .map((name) => `${root}/testdata/${dir}/${name}`),
  );
  expect(files.length).toBeGreaterThan(5);
  expect(anys(files)).toEqual([]);
});

async function bundle(code: string): Promise<string> {
  const stdin = { contents: code, resolveDir: `${root}/testdata/typescript`, loader: "ts" as const };
  const { outputFiles } = await build({ stdin, bundle: true, format: "esm", target: "es2022", write: false });
  return outputFiles[0]!.text;
}

describe("a bundle", () => {
  const parts = { socket: "$Socket", presence: "$Presence", binary: "$binary", polling: "$LongPoll", fake: "$FakeServer", stores: "storeOf", errors: "ChannelError" };
  const uses = (text: string): string[] =>
    Object.entries(parts).flatMap(([part, name]) =>
      new RegExp(`^(var|class|function) ${name.replace("$", "\\$")}\\b`, "m").test(text) ? [part] : [],
    );

  test.each([
    ["nothing", `import type { RoomChannel } from "./chat.gen"; export type C = RoomChannel;`, []],
    ["a socket", `export { Socket } from "./kitchen.gen";`, ["socket", "errors"]],
    ["a channel without either", `export { Socket, delete_ } from "./kitchen.gen";`, ["socket", "binary", "errors"]],
    ["a channel with presence", `export { Socket, document } from "./kitchen.gen";`, ["socket", "presence", "errors"]],
    ["a socket that falls back", `export { Socket, longPoll } from "./kitchen.gen";`, ["socket", "polling", "errors"]],
    ["a fake socket", `export { fakeSocket } from "./chat.gen";`, ["socket", "binary", "fake", "errors"]],
    ["a store", `export { storeOf } from "./kitchen.gen";`, ["stores"]],
    ["the errors", `export { ChannelError } from "./kitchen.gen";`, ["errors"]],
    ["an enum's values", `export { ColorValues } from "./kitchen.gen";`, []],
    ["a whole schema without binary events", `export { Socket, room } from "./chat.gen";`, ["socket", "presence", "errors"]],
    ["a client with a shared runtime", `export { Socket, document } from "./shared.gen";`, ["socket", "presence", "errors"]],
  ])("of %s holds what it uses", async (_, code, want) => {
    expect(uses(await bundle(code))).toEqual(want);
  });
});
