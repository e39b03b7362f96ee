/** A frame from the server. A server push has no ref, a broadcast neither; with history, ref is its position. */
export type $Frame = readonly [joinRef: string | null, ref: string | null, topic: string, event: string, payload: unknown];

/** What a frame carries, encoded: JSON text, or bytes for a binary frame. */
export type $Body = string | Uint8Array;

/** The binary half of the serializer; there only for channels with binary events. */
export interface $Binary {
  encode(joinRef: string, ref: string, topic: string, event: string, body: Uint8Array): Uint8Array<ArrayBuffer>;
  decode(data: ArrayBuffer): $Frame;
}

/** A text frame: a JSON array of five. */
export function $encode(joinRef: string | null, ref: string, topic: string, event: string, body: string): string {
  return `${JSON.stringify([joinRef, ref, topic, event]).slice(0, -1)},${body}]`;
}

/** The frame in text. Throws where that is none. */
export function $decode(text: string): $Frame {
  const frame = JSON.parse(text) as $Frame;
  const [joinRef, ref, topic, event, payload] = frame;
  const texts: unknown[] = [joinRef ?? "", ref ?? "", topic, event];
  const fits = Array.isArray(frame) && payload !== undefined && texts.every((each) => typeof each === "string");
  if (!fits || (event === "phx_reply" && Object(payload) !== payload)) throw new TypeError(`no frame: ${text.slice(0, 99)}`);
  return frame;
}
