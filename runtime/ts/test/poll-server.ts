// A long-poll server as far as a test needs it: requests that the test answers by hand.
import { vi } from "vitest";
import { settle, type Frame } from "./server.ts";

/** A request in the hands of a test. */
export class FakeRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly lines: string[];
  readonly keepalive: boolean | undefined;
  aborted = false;
  readonly #resolve: (response: unknown) => void;
  readonly #reject: (error: Error) => void;

  constructor(url: string, init: RequestInit, resolve: (response: unknown) => void, reject: (error: Error) => void) {
    this.url = new URL(url);
    this.method = init.method ?? "GET";
    this.headers = init.headers as Record<string, string>;
    this.lines = init.body ? String(init.body).split("\n") : [];
    this.keepalive = init.keepalive;
    this.#resolve = resolve;
    this.#reject = reject;
    init.signal?.addEventListener("abort", () => {
      this.aborted = true;
      reject(new Error("aborted"));
    });
  }

  get token(): string | undefined {
    return this.headers["x-phoenix-longpoll-token"];
  }

  async answer(body: object): Promise<void> {
    this.#resolve({ json: () => Promise.resolve(body) });
    await settle();
  }

  async fail(): Promise<void> {
    this.#reject(new TypeError("fetch failed"));
    await settle();
  }
}

/** Every request of the test, in order. */
export const requests: FakeRequest[] = [];

export function requested(method: "GET" | "POST"): FakeRequest {
  const request = requests.findLast((each) => each.method === method);
  if (!request) throw new Error(`no ${method} came`);
  return request;
}

/** A MessageChannel on the clock of the test. */
export class FakeMessageChannel {
  readonly port1 = { onmessage: (): void => {}, postMessage: (): void => {}, close: (): void => {} };
  readonly port2 = { ...this.port1, postMessage: (): void => void setTimeout(() => this.port1.onmessage()) };
}

/** Call in beforeEach, after freeze. */
export function stubFetch(): void {
  requests.length = 0;
  vi.stubGlobal("MessageChannel", FakeMessageChannel);
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    return new Promise((resolve, reject) => requests.push(new FakeRequest(url, init, resolve, reject)));
  });
}

/** Answers the poll that waits. */
export async function deliver(token: string, ...frames: (Frame | string)[]): Promise<void> {
  const messages = frames.map((frame) => (typeof frame === "string" ? frame : JSON.stringify(frame)));
  await requested("GET").answer({ status: frames.length ? 200 : 204, token, messages });
}
