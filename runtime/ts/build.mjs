// Builds the npm package: each module of src as JavaScript with its declarations, and an index of all of them.
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const dist = join(root, "dist");
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

rmSync(dist, { recursive: true, force: true });
execFileSync("node", [compiler, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit" });
// The compiler rewrites the endings of imports in JavaScript alone.
for (const name of readdirSync(dist).filter((name) => name.endsWith(".d.ts"))) {
  const path = join(dist, name);
  writeFileSync(path, readFileSync(path, "utf8").replace(/(from|import\()( ?)"(\.\/\w+)\.ts"/g, '$1$2"$3.js"'));
}
const modules = readdirSync(join(root, "src")).map((name) => name.replace(/\.ts$/, ""));
const index = modules.map((name) => `export * from "./${name}.js";\n`).join("");
for (const name of ["index.js", "index.d.ts"]) writeFileSync(join(dist, name), index);
copyFileSync(join(root, "../../LICENSE"), join(root, "LICENSE"));
