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
