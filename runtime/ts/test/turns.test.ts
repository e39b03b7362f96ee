import { afterEach, expect, test, vi } from "vitest";
import { $turns } from "../src/turns.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test.each([
  ["", () => {}],
  [", without a MessageChannel", () => vi.stubGlobal("MessageChannel", undefined)],
  [", whatever one throws", () => vi.spyOn(console, "error").mockReturnValue()],
])("what comes at once is taken in order, with what waits for each behind it%s", async (how, prepare) => {
  prepare();
  const seen: string[] = [];
  const take = $turns();
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 50; i++) {
      take(() => {
        seen.push(`${i} comes`);
        void (async () => {
          for (let turn = 0; turn < 20; turn++) await undefined;
          seen.push(`${i} is done`);
          if (i === 49) resolve();
        })();
        if (how.includes("throws") && i > 0) throw new Error("of a callback");
      });
    }
  });
  expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => [`${i} comes`, `${i} is done`]).flat());
  take(() => seen.push("later"));
  expect(seen.at(-1)).toBe("later");
});
