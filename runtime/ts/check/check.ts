import { $Decoder } from "./decoder.ts";
import type { $Reader } from "./readers.ts";
import { $bytesOf, $pointer, $Refusal, type $Bytes } from "./scan.ts";

/** What is wrong with a payload, in the server's words. */
export interface Problem {
  /** A JSON pointer to the offending member, also to a missing one; "" is the whole payload. */
  readonly path: string;
  /** What is asked of it: "must be a string". */
  readonly message: string;
}

/** Says what is wrong with a payload; undefined where nothing is. */
export interface Check {
  /** Checks value as JSON.stringify writes it. */
  (value: unknown): Problem | undefined;
  /** Checks JSON as it stands on the wire: text, or its bytes in UTF-8. */
  text(json: string | Uint8Array): Problem | undefined;
}

/** Makes checks; strict ones refuse members that the schema does not have. */
export function $checker(strict: boolean): (read: $Reader) => Check {
  return (read) => {
    const text = (json: string | Uint8Array): Problem | undefined => $problem(read, $bytesOf(json), strict);
    return Object.assign((value: unknown) => text(JSON.stringify(value) ?? "null"), { text });
  };
}

function $problem(read: $Reader, data: $Bytes, strict: boolean): Problem | undefined {
  try {
    const d = new $Decoder(data, strict);
    read(d);
    d.end();
    return undefined;
  } catch (error) {
    if (error instanceof $Refusal) return { path: $pointer(data, error.at) + error.member, message: error.message };
    throw error;
  }
}
