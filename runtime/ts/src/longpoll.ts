import { $encode } from "./frame.ts";
import { $global, $report, type $FetchRequest, type $WebSocket } from "./globals.ts";
import type { FallbackTransport } from "./types.ts";

/** What one POST may hold: lines, and characters, of which UTF-8 makes at most three bytes. Servers take 1 MiB. */
const $maxLines = 100;
const $maxLength = 349_525;

/** How often a poll that got no answer is sent again before the connection counts as lost, and the first pause in ms. */
const $tries = 3;
const $pause = 250;

/** The body of an answer; the status of HTTP says nothing. */
interface $Answer {
  readonly status: number;
  readonly token?: string;
  readonly messages?: readonly string[];
  /** Of a close, or a refusal. */
  readonly code?: number;
  readonly reason?: string;
}

/**
 * Long-polling, for `new Socket(url, { fallback: longPoll })`: takes over where a proxy lets no WebSocket through. It
 * needs nothing but fetch, so it works in Node as well.
 */
export const longPoll: FallbackTransport = {
  path: "longpoll",
  connect: (url, authToken) => new $LongPoll(url, authToken),
  remembered(url) {
    try {
      return $global.sessionStorage?.getItem(`chgen:longpoll:${url}`) === "1";
    } catch {
      return false; // a page that may store nothing
    }
  },
  remember(url) {
    try {
      $global.sessionStorage?.setItem(`chgen:longpoll:${url}`, "1");
    } catch {
      // A page that may store nothing finds out again.
    }
  },
};

/** A connection over requests, in the shape of a WebSocket. */
class $LongPoll implements $WebSocket {
  binaryType = "";
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  readonly #url: string;
  readonly #headers: Record<string, string> = {};
  readonly #control = new $global.AbortController();
  /** What of the session has arrived, shown with every request; undefined until there is one. */
  #token: string | undefined;
  #lines: string[] = [];
  #posting = false;
  #closed = false;

  constructor(url: string, authToken: string | undefined) {
    this.#url = url;
    if (authToken !== undefined) this.#headers["x-phoenix-authtoken"] = authToken;
    void this.#poll();
  }

  send(data: string | Uint8Array): void {
    this.#lines.push(typeof data === "string" ? data : $toBase64(data));
    if (!this.#posting) void this.#post();
  }

  /** Stops polling. What has been sent goes out all the same, and says last that nobody polls any more. */
  close(): void {
    if (this.#closed) return;
    this.#stop();
    if (this.#token !== undefined) this.send($encode(null, "0", "phoenix", "chgen_close", "{}"));
  }

  #stop(): void {
    this.#closed = true;
    this.#control.abort();
  }

  async #poll(): Promise<void> {
    for (let failures = 0; !this.#closed; ) {
      let answer: $Answer;
      try {
        answer = await this.#request({ method: "GET", headers: {}, body: null, signal: this.#control.signal, keepalive: false });
        failures = 0;
      } catch {
        // What a lost answer held comes again with the next one, which shows the same token.
        if (this.#token === undefined || failures >= $tries) return this.#end(1006, "");
        await new Promise<void>((resolve) => $global.setTimeout(resolve, $pause * 2 ** failures++));
        continue;
      }
      try {
        this.#take(answer);
      } catch (error) {
        // As with a frame that cannot be decoded: a new connection recovers what it held, or says that it cannot.
        $report(error);
        this.#end(1006, "undecodable answer");
      }
    }
  }

  #take({ status, token, messages = [], code, reason = "" }: $Answer): void {
    if (this.#closed) return;
    const opened = this.#token === undefined;
    if (status === 200 || status === 204 || (status === 410 && opened)) {
      this.#token = token;
      if (opened) (this.onopen as () => void)();
      for (const message of messages) {
        if (this.#closed) return;
        const data = message.startsWith("[") ? message : $fromBase64(message);
        (this.onmessage as (event: { data: unknown }) => void)({ data });
      }
    } else if (status === 403 && opened) this.#end(4403, reason);
    else this.#end(code ?? 1006, reason);
  }

  /** Sends what waits, one request at a time. */
  async #post(): Promise<void> {
    this.#posting = true;
    await undefined; // the rest of this turn's frames go along
    while (this.#lines.length) {
      let length = 0;
      const fit = this.#lines.findIndex((line, i) => i === $maxLines || ((length += line.length + 1) > $maxLength && i > 0));
      const body = this.#lines.splice(0, fit < 0 ? $maxLines : fit).join("\n");
      try {
        const { status, reason = "" } = await this.#request({
          method: "POST",
          headers: { "content-type": "application/x-ndjson" },
          body,
          signal: null,
          // The last one goes out of a page that is going away, if it is as small as that takes.
          keepalive: this.#closed && body.length < 20_000,
        });
        if (status !== 200) return this.#end(1006, reason);
      } catch {
        // The server may have taken it or not: sent again it might count twice.
        return this.#end(1006, "");
      }
    }
    this.#posting = false;
  }

  async #request(request: $FetchRequest): Promise<$Answer> {
    const token: Record<string, string> = this.#token === undefined ? {} : { "x-phoenix-longpoll-token": this.#token };
    const headers = { ...this.#headers, ...token, ...request.headers };
    const response = await $global.fetch(this.#url, { ...request, headers });
    return (await response.json()) as $Answer;
  }

  #end(code: number, reason: string): void {
    if (this.#closed) return;
    this.#stop();
    (this.onclose as (event: { code: number; reason: string }) => void)({ code, reason });
  }
}

function $toBase64(bytes: Uint8Array): string {
  return $global.btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function $fromBase64(text: string): ArrayBuffer {
  return Uint8Array.from($global.atob(text), (char) => char.charCodeAt(0)).buffer;
}
