/**
 * What the runtime needs of the place it runs in, described here so that it type-checks with the DOM's types, with
 * Node's, and with neither. Reading everything through $global also keeps schema names such as `document` free.
 */
export interface $Globals {
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  console: { error(error: unknown): void; debug(text: string): void };
  TextEncoder: new () => { encode(text: string): Uint8Array };
  TextDecoder: new () => { decode(bytes: Uint8Array): string };
  URL: new (url: string, base?: string) => {
    protocol: string;
    pathname: string;
    readonly href: string;
    searchParams: { set(name: string, value: string): void };
  };
  MessageChannel?: new () => { readonly port1: $Port; readonly port2: $Port };
  AbortController: new () => { readonly signal: $Signal; abort(): void };
  atob(base64: string): string;
  btoa(bytes: string): string;
  fetch(url: string, request: $FetchRequest): Promise<{ json(): Promise<unknown> }>;
  crypto?: { getRandomValues(array: Uint32Array<ArrayBuffer>): Uint32Array };
  sessionStorage?: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  WebSocket?: $WebSocketConstructor;
  reportError?(error: unknown): void;
  location?: { readonly href: string };
  document?: $Target & { readonly visibilityState: string };
  addEventListener?: $Target["addEventListener"];
  removeEventListener?: $Target["removeEventListener"];
}

/** A place to listen for page events. */
export interface $Target {
  addEventListener(type: string, callback: (event: { readonly type: string }) => void): void;
  removeEventListener(type: string, callback: (event: { readonly type: string }) => void): void;
}

/** The part of AbortSignal that is used. */
export interface $Signal {
  readonly aborted: boolean;
  addEventListener(type: "abort", callback: () => void): void;
  removeEventListener(type: "abort", callback: () => void): void;
}

/** One end of a MessageChannel. */
export interface $Port {
  onmessage: unknown;
  postMessage(message: unknown): void;
  close(): void;
}

/** A request to fetch. */
export interface $FetchRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
  readonly signal: $Signal | null;
  readonly keepalive: boolean;
}

/** The part of a WebSocket that is used. */
export interface $WebSocket {
  binaryType: string;
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** What makes a WebSocket: the browser's, Node's (from 22 on), or that of a package such as ws. */
export type $WebSocketConstructor = new (url: string, protocols?: string[]) => $WebSocket;

export const $global: $Globals = globalThis as unknown as $Globals;

/** What time is for a socket: that of the place it runs in, or of a test. */
export interface $Clock {
  /** Milliseconds since some point. */
  now(): number;
  /** Calls callback after ms milliseconds. Returns what keeps it from that. */
  after(ms: number, callback: () => void): () => void;
}

export const $clock: $Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    // More would count as nothing.
    const timer = $global.setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
    return () => $global.clearTimeout(timer);
  },
};

/** Hands an exception of the application's own code to whoever collects uncaught errors, and goes on. */
export function $report(error: unknown): void {
  if ($global.reportError) $global.reportError(error);
  else $global.console.error(error);
}

/** The length in bytes of text as UTF-8. */
export function $byteLength(text: string): number {
  return new $global.TextEncoder().encode(text).length;
}
