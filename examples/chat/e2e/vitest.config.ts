import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: fileURLToPath(new URL(".", import.meta.url)),
    include: ["*.test.ts"],
    fileParallelism: false, // two cores: a browser, a server and a test are enough at once
    hookTimeout: 120_000, // builds the chat first
    testTimeout: 30_000,
  },
});
