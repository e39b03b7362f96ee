import { describe, expect, test } from "vitest";
import { $binary } from "../src/binary.ts";
import { $encode } from "../src/frame.ts";
import { $topic } from "../src/topic.ts";

describe("a topic", () => {
  test.each([
    ["lobby", {}, "lobby"],
    ["room:{room_id}", { room_id: "ä b" }, "room:ä b"],
    ["a:{x}:b:{y}", { x: "1", y: "2" }, "a:1:b:2"],
    ["n:{id:int}", { id: -7 }, "n:-7"],
    ["n:{id:int}", { id: 0 }, "n:0"],
    ["u:{id:uuid}", { id: "0123abcd-0000-4000-8000-0123456789ab" }, "u:0123abcd-0000-4000-8000-0123456789ab"],
    ["f:{path*}", { path: "a:b:" }, "f:a:b:"],
    ["f:{path*}", { path: "" }, "f:"],
    ["r:{x}", { x: "$&{y}" }, "r:$&{y}"],
    ["r:{x}", { x: "😀" }, "r:😀"],
  ])("%s with %j is %s", (pattern, params, want) => {
    expect($topic(pattern, params)).toBe(want);
  });

  test.each([
    ["room:{room_id}", { room_id: "" }],
    ["room:{room_id}", { room_id: "a:b" }],
    ["room:{room_id}", { room_id: undefined }],
    ["room:{room_id}", { room_id: 1 }],
    ["room:{room_id}", {}],
    ["room:{room_id}", { room_id: "ä".repeat(126) }],
    ["room:{room_id}", { room_id: "\ud800x" }],
    ["f:{path*}", { path: "x\udc00" }],
    ["n:{id:int}", { id: 1.5 }],
    ["n:{id:int}", { id: 2 ** 53 }],
    ["n:{id:int}", { id: "1" }],
    ["u:{id:uuid}", { id: "0123ABCD-0000-4000-8000-0123456789AB" }],
    ["u:{id:uuid}", { id: "x" }],
    ["f:{path*}", {}],
  ])("%s cannot have %j", (pattern, params) => {
    expect(() => $topic(pattern, params)).toThrow(RangeError);
  });
});

test("a text frame is an array of five", () => {
  expect($encode(null, "1", 'a"b', "heartbeat", "{}")).toBe('[null,"1","a\\"b","heartbeat",{}]');
});

describe("a binary frame", () => {
  function bytes(...parts: (number | string)[]): ArrayBuffer {
    const list = parts.flatMap((part) => (typeof part === "string" ? [...new TextEncoder().encode(part)] : [part]));
    return new Uint8Array(list).buffer;
  }

  test.each([
    ["a push", bytes(0, 1, 4, 2, "1t:äev", 9), ["1", null, "t:ä", "ev", new Uint8Array([9])]],
    ["a reply", bytes(1, 1, 1, 1, 2, "12tok", 9), ["1", "2", "t", "phx_reply", { status: "ok", response: new Uint8Array([9]) }]],
    ["a broadcast", bytes(2, 1, 2, "tev"), [null, null, "t", "ev", new Uint8Array([])]],
    ["one without refs", bytes(0, 0, 1, 2, "tev"), [null, null, "t", "ev", new Uint8Array([])]],
  ])("is %s", (_, data, want) => {
    expect($binary.decode(data)).toEqual(want);
  });

  test("cannot have a text of over 255 bytes", () => {
    expect(() => $binary.encode("1", "2", "t", "e".repeat(256), new Uint8Array())).toThrow(RangeError);
  });
});
