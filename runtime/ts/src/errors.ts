import type { $Clock, $Signal } from "./globals.ts";

/**
 * Why a join or a push failed. `code` says which error it is: one that the schema declares for the event (its fields
 * are properties of the error), one of the server's own, or one of the client's. The types of `push`, `tryPush` and
 * `tryJoin` list the codes that are possible.
 */
export class ChannelError extends Error {
  /** Which error it is; the server's `reason`, or one of the client's own. */
  readonly code: string;

  constructor(code: string, message?: string, fields?: object) {
    super(message || code);
    // Defined, not assigned: a server can call a field __proto__ too.
    Object.defineProperties(this, Object.getOwnPropertyDescriptors({ ...fields, name: "ChannelError" }));
    this.code = code;
  }
}

/** An error without fields. */
export interface $Plain<Code extends string> {
  readonly code: Code;
}

/** Each code of the union as an error of its own, so that a switch over `code` can be exhaustive. */
export type $Each<Code extends string> = Code extends string ? $Plain<Code> : never;

/** The payload or the join parameters broke a rule of the schema. */
export interface $InvalidPayload extends $Plain<"invalid_payload"> {
  /** A JSON pointer to the member that is wrong or missing. */
  readonly path: string;
}

/** What every join and every push can fail with. */
export type $SystemError =
  | $InvalidPayload
  | $Each<
      // The server's own errors.
      | "unknown_event"
      | "internal"
      | "closed"
      | "rate_limited"
      | "unmatched topic"
      | "join crashed"
      | "too many channels joined"
      // The server's deadline or this client's.
      | "timeout"
      // This client's own errors.
      | "disconnected"
      | "aborted"
      | "left"
      | "too_large"
    >;

/** The error of a join or push that declares the errors E. */
export type $ErrorOf<E> = ChannelError & (E | $SystemError);

/** The error that a reply with a status other than ok stands for: its reason, else the status, else `internal`. */
export function $errorOf(what: string, status: unknown, response: unknown): ChannelError {
  const { reason, message, ...fields } = (typeof response === "object" && response ? response : {}) as Record<string, unknown>;
  const code = [reason, status].find($isText) ?? "internal";
  const text = $isText(message) ? message : `${what}: ${code}`;
  // A mistake in the program, for whoever reads the console; the schema's own errors have texts for people.
  return new ChannelError(code, code === "invalid_payload" ? `${what}: ${String(fields["path"])} ${text}` : text, fields);
}

function $isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/**
 * Calls fail once timeout milliseconds have passed (never, where it is undefined) or signal is aborted. Returns what
 * stops the watch.
 */
export function $watch(
  clock: $Clock,
  what: string,
  timeout: number | undefined,
  signal: $Signal | undefined,
  fail: (error: ChannelError) => void,
): () => void {
  const aborted = (): void => fail(new ChannelError("aborted", `${what} was aborted`));
  const late = (): void => fail(new ChannelError("timeout", `${what} got no answer in ${timeout} ms`));
  const stop = timeout === undefined ? undefined : clock.after(timeout, late);
  signal?.addEventListener("abort", aborted);
  return () => {
    stop?.();
    signal?.removeEventListener("abort", aborted);
  };
}
