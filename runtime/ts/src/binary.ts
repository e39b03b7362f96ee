import type { $Binary, $Frame } from "./frame.ts";
import { $global } from "./globals.ts";

/**
 * Binary frames: a byte for the kind, one for the length of each text, the texts in UTF-8, and data up to the end.
 * A client's push is kind 0 with join_ref, ref, topic, event; the server's is kind 0 without ref, a reply kind 1 with
 * join_ref, ref, topic, status, a broadcast kind 2 with topic, event. An absent ref has the length 0.
 */
export const $binary: $Binary = {
  encode: (joinRef, ref, topic, event, body) => $encodeBinary(0, [joinRef, ref, topic, event], body),

  decode(data): $Frame {
    const bytes = new Uint8Array(data);
    const decoder = new $global.TextDecoder();
    const kind = bytes[0];
    const count = kind === 0 ? 3 : kind === 1 ? 4 : 2;
    let at = 1 + count;
    const texts = [...bytes.subarray(1, at)].map((size) => decoder.decode(bytes.subarray(at, (at += size))));
    if (!(Number(kind) < 3) || at > bytes.length) throw new RangeError("no binary frame");
    const rest = bytes.slice(at);
    const [first = "", second = "", third = "", fourth = ""] = texts;
    if (kind === 0) return [first || null, null, second, third, rest];
    if (kind === 1) return [first || null, second || null, third, "phx_reply", { status: fourth, response: rest }];
    return [null, null, first, second, rest];
  },
};

/** The frame of that kind. */
export function $encodeBinary(kind: number, names: readonly string[], body: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = new $global.TextEncoder();
  const texts = names.map((text) => encoder.encode(text));
  if (texts.some((text) => text.length > 255)) throw new RangeError(`over 255 bytes: one of ${names.join()}`);
  const parts = [[kind], texts.map((text) => text.length), ...texts, body];
  const frame = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}
