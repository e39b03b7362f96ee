import type { $Binary, $Frame } from "./frame.ts";
import { $global } from "./globals.ts";

/** Is shown every frame: `received` those of the server, heartbeats included. */
export type $Debug = (direction: "sent" | "received", frame: $Frame) => unknown;

/** The longest payload that is printed, in characters. */
const $longest = 200;

/** What prints frames to the console: type, topic, event, the ref that ties a reply to its push, and the payload, shortened. */
export function $printer(): $Debug {
  const pushes = new Map<string | null, string>();
  return (direction, [joinRef, ref, topic, event, payload]) => {
    const reply = event === "phx_reply";
    const kind = reply ? "reply" : direction === "sent" || joinRef !== null ? "push" : "broadcast";
    const name = reply ? (pushes.get(ref) ?? event) : event;
    if (reply) pushes.delete(ref);
    else if (direction === "sent") pushes.set(ref, event);
    const text = JSON.stringify(payload, (_, value: unknown) => (value instanceof Uint8Array ? `${value.length} bytes` : value));
    const short = text.length > $longest ? `${text.slice(0, $longest)}…` : text;
    const arrow = direction === "sent" ? "→" : "←";
    const number = reply || direction === "sent" ? ` #${ref}` : "";
    $global.console.debug(`${arrow} ${kind} ${topic} ${name}${number} ${short}`);
  };
}

/** A frame of this client's as the server sees it. */
export function $sent(data: string | Uint8Array, binary: $Binary | undefined): $Frame {
  if (typeof data === "string") return JSON.parse(data) as $Frame;
  // But for the first byte it is laid out like a reply, the event in the place of the status.
  const copy = Uint8Array.of(1, ...data.subarray(1));
  const [joinRef, ref, topic, , reply] = binary!.decode(copy.buffer);
  const { status, response } = reply as { status: string; response: unknown };
  return [joinRef, ref, topic, status, response];
}
