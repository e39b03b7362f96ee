// web/chat.gen.ts
var ChannelError = class extends Error {
  /** Which error it is; the server's `reason`, or one of the client's own. */
  code;
  constructor(code, message, fields) {
    super(message || code);
    Object.defineProperties(this, Object.getOwnPropertyDescriptors({ ...fields, name: "ChannelError" }));
    this.code = code;
  }
};
function $errorOf(what, status, response) {
  const { reason, message, ...fields } = typeof response === "object" && response ? response : {};
  const code = [reason, status].find($isText) ?? "internal";
  const text = $isText(message) ? message : `${what}: ${code}`;
  return new ChannelError(code, code === "invalid_payload" ? `${what}: ${String(fields["path"])} ${text}` : text, fields);
}
function $isText(value) {
  return typeof value === "string" && value !== "";
}
function $watch(clock, what, timeout, signal, fail) {
  const aborted = () => fail(new ChannelError("aborted", `${what} was aborted`));
  const late = () => fail(new ChannelError("timeout", `${what} got no answer in ${timeout} ms`));
  const stop = timeout === void 0 ? void 0 : clock.after(timeout, late);
  signal?.addEventListener("abort", aborted);
  return () => {
    stop?.();
    signal?.removeEventListener("abort", aborted);
  };
}
var $Presence = class {
  #entries = /* @__PURE__ */ new Map();
  #list = [];
  /** What the server says where it only counts. */
  #count;
  #listeners = new $Listeners();
  #joinRef;
  /** Diffs that came before the state of this join; undefined once the state is there. */
  #early;
  list() {
    return this.#list;
  }
  get count() {
    return this.#count ?? this.#list.length;
  }
  onChange(callback) {
    return this.#listeners.add(callback);
  }
  /** Takes what the server says to the join joinRef. Throws, with nothing done, for what has another shape. */
  $receive(event, payload, joinRef) {
    if (event === "chgen_presence_count") {
      this.#count = Number(payload.count);
      return this.#listeners.emit(this.#list, { joins: [], leaves: [] });
    }
    const state = event === "presence_state" ? $entries(payload) : void 0;
    const { joins, leaves } = Object(payload);
    const diff = state ? { joins: [], leaves: [] } : { joins: $entries(joins), leaves: $entries(leaves) };
    if (joinRef !== this.#joinRef) {
      this.#joinRef = joinRef;
      this.#early = [];
    }
    const change = { joins: [], leaves: [] };
    if (state) {
      this.#replace(state, change);
      this.#early?.forEach((early) => this.#apply(early, change));
      this.#early = void 0;
    } else if (this.#early) {
      this.#early.push(diff);
      return;
    } else {
      this.#apply(diff, change);
    }
    this.#list = [...this.#entries].map(([key, metas]) => ({ key, metas }));
    this.#listeners.emit(this.#list, change);
  }
  #replace(state, change) {
    const old = this.#entries;
    this.#entries = new Map(state.map(({ key, metas }) => [key, metas]));
    for (const [key, metas] of this.#entries) $note(change.joins, key, $without(metas, old.get(key)));
    for (const [key, metas] of old) $note(change.leaves, key, $without(metas, this.#entries.get(key)));
  }
  #apply({ joins, leaves }, change) {
    for (const { key, metas } of joins) {
      const old = this.#entries.get(key) ?? [];
      const joined = $without(metas, old);
      this.#entries.set(key, [...old, ...joined]);
      $note(change.joins, key, joined);
    }
    for (const { key, metas } of leaves) {
      const old = this.#entries.get(key) ?? [];
      const left = $without(old, metas);
      if (left.length) this.#entries.set(key, left);
      else this.#entries.delete(key);
      $note(change.leaves, key, $without(old, left));
    }
  }
};
function $entries(byKey) {
  if (Object(byKey) !== byKey) throw new TypeError("presence without entries");
  return Object.entries(byKey).map(([key, { metas }]) => {
    if (!metas.every(({ phx_ref }) => typeof phx_ref === "string")) throw new TypeError("presence without a phx_ref");
    return { key, metas };
  });
}
function $without(metas, others = []) {
  return metas.filter((meta) => !others.some((other) => other.phx_ref === meta.phx_ref));
}
function $note(entries, key, metas) {
  if (metas.length) entries.push({ key, metas });
}
var $refusal = 4403;
var $patience = 3e3;
var $Socket = class {
  #url;
  #params;
  #authToken;
  #WebSocket;
  #fallback;
  #debug;
  #link;
  #heartbeat;
  /** What the server knows this client by, over all of its connections. */
  #id = $random();
  #states = new $Listeners();
  #backoff;
  /** Settles the promises of renew that wait for their reply, by ref. */
  #renewals = /* @__PURE__ */ new Map();
  #state = "closed";
  #reason = "";
  #refs = 0;
  #binary;
  #socket;
  /** Made anew by every attempt, so that an attempt knows that it has been overtaken. */
  #attempt;
  /** Whether an attempt waits for its time and may be brought forward. */
  #waiting = false;
  /** Whether this session needs the fallback, and whether this attempt or connection is over it. */
  #settled;
  #fallen = false;
  /** Whether the WebSocket that has been asked for has not brought anything yet, and whether one ever has. */
  #unproven = false;
  #proven = false;
  /** Whether nothing has come since the last heartbeat. */
  #quiet = false;
  /** Stops the next attempt, its deadline, the next heartbeat or its deadline: one of them at a time. */
  #stop;
  /**
   * A socket at url, which is relative to the page or absolute, without the /websocket at the end. Throws where the
   * url or the platform does not allow a connection.
   */
  constructor(url, ...[options]) {
    const {
      params,
      authToken,
      fallback,
      WebSocket = $global.WebSocket ?? false,
      timeout = 1e4,
      heartbeat = 3e4,
      maxFrame = 65536,
      debug,
      $clock: clock = $clock
    } = options ?? {};
    if (!WebSocket && !fallback) throw new TypeError("there is no WebSocket here: pass one as options.WebSocket, or a fallback");
    try {
      this.#url = $address(url, "", {});
    } catch {
      throw new TypeError(`${url} is no address for a socket; outside of a page it has to begin with http or ws`);
    }
    this.#params = params;
    this.#authToken = authToken;
    this.#WebSocket = WebSocket;
    this.#fallback = fallback;
    this.#settled = !WebSocket || !!fallback?.remembered(this.#url);
    this.#debug = debug === true ? $printer() : debug || void 0;
    this.#heartbeat = heartbeat;
    this.#backoff = new $Backoff(clock);
    this.#link = {
      channels: /* @__PURE__ */ new Set(),
      clock,
      timeout,
      maxFrame,
      open: () => this.#state === "open",
      connect: () => {
        if (this.#state === "closed") this.connect();
        return this.#state === "refused" ? this.#reason : void 0;
      },
      ref: () => `${++this.#refs}`,
      send: (frame) => {
        const debug2 = this.#debug;
        if (debug2) $guard(() => debug2("sent", $sent(frame, this.#binary)));
        this.#socket?.send(frame);
      }
    };
  }
  /** Whether it is connected, and if not, why not. */
  get state() {
    return this.#state;
  }
  /** Why the last connection ended, or the server refused: the text it gave; empty where it gave none. */
  get reason() {
    return this.#reason;
  }
  /** Calls callback whenever the state changes, with the reason for it, if there is one. Returns what ends that. */
  onState(callback) {
    return this.#states.add(callback);
  }
  /** The channel at a topic. Throws a RangeError for topic parameters that make no topic. Sends nothing before `join`. */
  channel(definition, ...[topic = {}, params]) {
    this.#binary ??= definition.binary;
    const name2 = $topic(definition.topic, topic);
    const channel = new $Channel(this.#link, definition, name2, params);
    return channel;
  }
  /** Connects, also after a refusal; channels that were joined rejoin. Does nothing where that is under way. */
  connect() {
    if (this.#state !== "closed" && this.#state !== "refused") return;
    this.#watchPage(true);
    this.#fallen = this.#settled;
    this.#set("connecting", "");
    void this.#open();
  }
  /** Closes the connection and stays disconnected until `connect()` or a join; channels that were joined rejoin then. */
  disconnect() {
    this.#close("the socket is disconnected");
    this.#watchPage(false);
    this.#set("closed", "");
    this.#each((channel) => channel.$disconnected());
  }
  /**
   * Reads params again and presents them on the connection that is there, without a new one: what the server makes of
   * them holds from then on. While not connected it begins the attempt that is under way, if there is one, anew: every
   * connection reads them anyway. Rejects with what reading them throws, or with a ChannelError that says why the server
   * does not take them; where it refuses the client with them, the socket is `refused` next.
   */
  async renew() {
    const params = await $read(this.#params);
    if (this.#state !== "open") {
      if (this.#attempt) {
        this.#close("");
        void this.#open();
      }
      return;
    }
    const { clock, timeout } = this.#link;
    const ref = this.#link.ref();
    await new Promise((resolve, reject) => {
      const settle = (error) => {
        this.#renewals.delete(ref);
        stop();
        if (error) reject(error);
        else resolve();
      };
      const stop = $watch(clock, "renew", timeout, void 0, settle);
      this.#renewals.set(ref, settle);
      this.#link.send($encode(null, ref, "phoenix", "chgen_params", JSON.stringify(params ?? {})));
    });
  }
  async #open() {
    const attempt = this.#attempt = {};
    this.#waiting = this.#unproven = false;
    this.#after(this.#link.timeout, () => this.#lost(0, "no connection in time"));
    try {
      const params = await $read(this.#params);
      const token = await $read(this.#authToken);
      if (attempt !== this.#attempt) return;
      this.#connect(this.#dial({ ...params, vsn: "2.0.0", chgen: 1, _client: this.#id }, token));
    } catch (error) {
      $report(error);
      if (attempt === this.#attempt) this.#lost(0, "");
    }
  }
  #dial(params, token) {
    if (this.#fallen || !this.#WebSocket) {
      const fallback = this.#fallback;
      return fallback.connect($address(this.#url, fallback.path, params).replace(/^ws/, "http"), token);
    }
    this.#unproven = true;
    if (this.#onTrial()) this.#after($patience, () => this.#lost(0, "no WebSocket in time"));
    const address = $address(this.#url, "websocket", params).replace(/^http/, "ws");
    if (token === void 0) return new this.#WebSocket(address);
    const base64url = $global.btoa(token).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
    return new this.#WebSocket(address, ["phoenix", `base64url.bearer.phx.${base64url}`]);
  }
  /** Whether the WebSocket has yet to show that it gets through. */
  #onTrial() {
    return !!this.#fallback && this.#unproven && !this.#proven;
  }
  #connect(socket2) {
    const current2 = () => socket2 === this.#socket;
    this.#socket = socket2;
    socket2.binaryType = "arraybuffer";
    socket2.onopen = () => {
      if (!current2()) return;
      this.#backoff.succeeded();
      if (this.#fallen && !this.#proven && !this.#settled) {
        this.#settled = true;
        this.#fallback?.remember(this.#url);
      }
      if (this.#onTrial()) this.#beat($patience);
      else this.#after(this.#heartbeat, () => this.#beat());
      this.#set("open", "");
      this.#each((channel) => current2() && channel.$rejoin());
    };
    const take = this.#link.clock === $clock ? $turns() : $guard;
    socket2.onmessage = (event) => take(() => current2() && this.#receive(event.data));
    socket2.onclose = (event) => take(() => current2() && this.#lost(event.code, event.reason));
    socket2.onerror = () => {
    };
  }
  #receive(data) {
    const socket2 = this.#socket;
    if (this.#unproven) this.#proven = !(this.#unproven = false);
    if (this.#quiet) this.#after(this.#heartbeat, () => this.#beat());
    this.#quiet = false;
    try {
      const frame = typeof data === "string" ? $decode(data) : this.#binary?.decode(data);
      if (frame) this.#take(frame);
    } catch (error) {
      $report(error);
      if (socket2 === this.#socket) this.#lost(0, "undecodable frame");
    }
  }
  #take(frame) {
    const [, ref, topic, , payload] = frame;
    const debug = this.#debug;
    if (debug) $guard(() => debug("received", frame));
    if (topic === "phoenix") {
      const { status, response } = payload;
      this.#renewals.get(ref)?.(status === "ok" ? void 0 : $errorOf("renew", status, response));
    }
    this.#each((channel) => channel.topic === topic && channel.$receive(frame));
  }
  /** Sends a heartbeat, and gives the connection up where nothing at all comes within ms milliseconds. */
  #beat(ms = this.#link.timeout) {
    const { clock, ref, send: send2 } = this.#link;
    const due = clock.now() + ms;
    this.#quiet = true;
    this.#after(ms, () => {
      if (clock.now() > due + ms) this.#beat();
      else this.#lost(0, "heartbeat timeout");
    });
    send2($encode(null, ref(), "phoenix", "heartbeat", "{}"));
  }
  #lost(code, reason) {
    this.#close(reason || "the connection was lost");
    if (code === $refusal) {
      this.#watchPage(false);
      this.#set("refused", reason);
      return this.#each((channel) => channel.$disconnected(reason));
    }
    const wait = /^retry_after_ms=(\d+)/.exec(reason);
    this.#waiting = !wait;
    const falls = !!this.#fallback && this.#unproven && !wait;
    this.#fallen = this.#settled || falls;
    this.#after(falls ? 0 : (wait ? Number(wait[1]) : 0) + this.#backoff.next(), () => void this.#open());
    this.#set("reconnecting", reason);
    this.#each((channel) => channel.$lost());
  }
  /** Ends the connection and whatever was to happen with it. */
  #close(reason) {
    const socket2 = this.#socket;
    this.#socket = this.#attempt = void 0;
    this.#quiet = false;
    this.#stop?.();
    socket2?.close(1e3);
    for (const settle of [...this.#renewals.values()]) settle(new ChannelError("disconnected", `renew: ${reason}`));
  }
  #onPage = ({ type }) => {
    if (type === "pagehide") {
      this.#close(type);
      this.#waiting = true;
      this.#set("reconnecting", type);
      this.#each((channel) => channel.$lost());
    } else if (type !== "visibilitychange" || $global.document?.visibilityState === "visible") {
      if (this.#waiting) void this.#open();
      else if (this.#state === "open") this.#beat();
    }
  };
  #watchPage(on) {
    const method = on ? "addEventListener" : "removeEventListener";
    for (const type of ["pagehide", "pageshow", "online"]) $global[method]?.(type, this.#onPage);
    for (const type of ["visibilitychange", "resume"]) $global.document?.[method](type, this.#onPage);
  }
  /** Calls callback after ms milliseconds, in place of what was to be called before. */
  #after(ms, callback) {
    this.#stop?.();
    this.#stop = this.#link.clock.after(ms, callback);
  }
  #each(callback) {
    const { channels } = this.#link;
    for (const channel of [...channels]) if (channels.has(channel)) callback(channel);
  }
  #set(state, reason) {
    this.#reason = reason;
    if (state === this.#state) return;
    this.#state = state;
    this.#states.emit(state, reason);
  }
};
function $address(url, path, params) {
  const address = new $global.URL(url, $global.location?.href);
  address.pathname = address.pathname.replace(/(\/websocket)?\/*$/, `/${path}`);
  for (const [name2, value] of Object.entries(params)) {
    if (value !== void 0) address.searchParams.set(name2, String(value));
  }
  return address.href;
}
function $random() {
  const { crypto } = $global;
  return crypto ? crypto.getRandomValues(new Uint32Array(4)).join("-") : `${Math.random()}-${Date.now()}`;
}
var $passing = ["internal", "join crashed", "timeout", "rate_limited", "closed"];
var $presenceEvents = ["presence_state", "presence_diff", "chgen_presence_count"];
var $Channel = class {
  topic;
  presence;
  #link;
  #definition;
  #params;
  #states = new $Listeners();
  #events = /* @__PURE__ */ new Map();
  #state = "closed";
  /** The ref of the join that counts; undefined while there is none. */
  #joinRef;
  /** Where the channel's history was last seen, in the server's own terms. */
  #position;
  #backoff;
  /** Stops the next join, or the deadline of its params. */
  #stop;
  /** Sent and not answered, by ref. */
  #sent = /* @__PURE__ */ new Map();
  /** Waiting for the join. */
  #buffer = /* @__PURE__ */ new Set();
  #onRejoin;
  /** Settles the promise of join, and of leave, while they are pending. */
  #joining;
  #leaving;
  constructor(link, definition, topic, params) {
    this.#link = link;
    this.#definition = definition;
    this.topic = topic;
    this.#params = params;
    this.presence = definition.presence && new definition.presence();
    this.#backoff = new $Backoff(link.clock);
  }
  get state() {
    return this.#state;
  }
  onState(callback) {
    return this.#states.add(callback);
  }
  on(event, callback) {
    let listeners = this.#events.get(event);
    if (!listeners) this.#events.set(event, listeners = new $Listeners());
    return listeners.add((payload) => this.#stays() && callback(payload));
  }
  once(event, options = {}) {
    return $once(this, this.#link.clock, event, options);
  }
  events(event, options = {}) {
    return $events(this, this.#link.clock, event, options);
  }
  join(options = {}) {
    return new Promise((resolve, reject) => {
      const { channels } = this.#link;
      const { timeout, signal } = options;
      if (signal?.aborted) throw new ChannelError("aborted", `join of ${this.topic} was aborted`);
      if (this.#state === "leaving") this.#end();
      if (channels.has(this)) throw new Error(`${this.topic} is ${this.#state}: join() once, or leave() first`);
      const stop = $watch(this.#link.clock, `join of ${this.topic}`, timeout, signal, (error) => void this.#leave(error));
      this.#joining = (error, response) => {
        this.#joining = void 0;
        stop();
        if (error) reject(error);
        else resolve(response);
      };
      this.#onRejoin = options.onRejoin;
      this.#position = void 0;
      this.#backoff = new $Backoff(this.#link.clock);
      channels.add(this);
      const refusal = this.#link.connect();
      if (!channels.has(this)) return;
      if (refusal !== void 0) this.$disconnected(refusal);
      else if (this.#link.open()) void this.$rejoin();
      else this.#set("joining");
    });
  }
  tryJoin(options) {
    return $attempt(this.join(options));
  }
  push(event, payload = {}, options = {}) {
    return new Promise((resolve, reject) => {
      const what = `${event} on ${this.topic}`;
      if (!this.#link.channels.has(this) || this.#state === "leaving") {
        throw new ChannelError("left", `${what}: join() the channel first`);
      }
      if (options.signal?.aborted) throw new ChannelError("aborted", `${what} was aborted`);
      const request = {
        ref: this.#link.ref(),
        event,
        body: payload instanceof Uint8Array ? payload : JSON.stringify(payload),
        options,
        done: (error, response) => error ? reject(error) : resolve(response)
      };
      if (this.#state === "joined") return this.#send(request);
      this.#frame(request);
      this.#buffer.add(request);
      this.#await(request);
    });
  }
  tryPush(event, payload, options) {
    return $attempt(this.push(event, payload, options));
  }
  leave() {
    return this.#leave();
  }
  /** The socket is open, or it is time for another try. */
  async $rejoin() {
    if (this.#joinRef) return;
    const ref = this.#joinRef = this.#link.ref();
    const { clock, timeout } = this.#link;
    const late = new ChannelError("timeout", `${this.topic}: no join params in ${timeout} ms`);
    this.#stop = clock.after(timeout, () => this.#retry(late));
    const overtaken = () => ref !== this.#joinRef || this.#state !== "joining";
    this.#set("joining");
    try {
      const params = await $read(this.#params);
      if (overtaken()) return;
      this.#stop();
      this.#send({
        ref,
        event: "phx_join",
        body: JSON.stringify(this.#position ? { ...params, _recover: this.#position } : params ?? {}),
        options: {},
        done: (error, response, reply) => {
          if (overtaken()) return;
          if (!error) this.#joined(response, reply?.recovery);
          else if (reply) this.#refused(error);
          else {
            this.#post("phx_leave");
            this.#retry(error);
          }
        }
      });
    } catch (error) {
      if (overtaken()) return;
      if (error instanceof ChannelError) return this.#end(error);
      $report(error);
      this.#retry();
    }
  }
  /** The membership is gone, mostly with the connection; then the socket will say when there is another one. */
  $lost(error) {
    if (this.#state === "leaving") return this.#end();
    this.#stop?.();
    this.#joinRef = void 0;
    const gone = new ChannelError("disconnected", `${this.topic}: the connection or the membership was lost`);
    for (const request of [...this.#sent.values()]) this.#settle(request, gone);
    this.#set("errored", error);
  }
  /** The connection is gone, and nobody tries to get another one: what waits for it fails. */
  $disconnected(reason) {
    const error = new ChannelError("disconnected", reason || `${this.topic}: the socket is disconnected`);
    if (this.#joining) return this.#end(error);
    this.$lost(error);
    for (const request of [...this.#buffer]) this.#settle(request, error);
  }
  /** Takes a frame for this topic. Throws, with nothing done, where its payload has a shape that it cannot have. */
  $receive([joinRef, ref, , event, payload]) {
    if (!this.#joinRef || joinRef !== null && joinRef !== this.#joinRef) return;
    if (event === "phx_reply") {
      const request = this.#sent.get(ref ?? "");
      const reply = payload;
      const { status, response } = reply;
      if (!request) return;
      const error = status === "ok" ? void 0 : $errorOf(`${request.event} on ${this.topic}`, status, response);
      this.#settle(request, error, response, reply);
    } else if (event === "phx_close") {
      const left = this.#state === "leaving";
      this.#end(left ? void 0 : new ChannelError("disconnected", `${this.topic}: closed by the server`));
    } else if (event === "phx_error") {
      if (this.#state !== "leaving") this.#retry($errorOf(this.topic, "disconnected", payload));
    } else if (this.#state === "joined") {
      if ($presenceEvents.includes(event)) {
        this.presence?.$receive(event, payload, this.#joinRef);
      } else {
        if (ref !== null) this.#position = ref;
        this.#events.get(event)?.emit(payload);
      }
    }
  }
  #joined(response, recovery) {
    const recovered = recovery?.recovered === true;
    if (!recovered || !this.#position) this.#position = recovery?.position;
    this.#backoff.succeeded();
    const first = this.#joining;
    first?.(void 0, response);
    this.#set("joined");
    if (!first && this.#stays()) $guard(() => this.#onRejoin?.({ reply: response, recovered }));
    if (this.#state !== "joined") return;
    for (const request of [...this.#buffer]) {
      this.#forget(request);
      try {
        this.#send(request);
      } catch (error) {
        request.done(error);
      }
    }
  }
  /**
   * Whether the callback before has not left. One that has disconnected keeps nothing from the others: the position has
   * moved, so what they are not told now they are never told.
   */
  #stays() {
    return this.#state === "joined" || this.#state === "errored";
  }
  #refused(error) {
    const retry = this.#definition.retry?.includes(error.code) || !this.#joining && $passing.includes(error.code);
    if (retry) this.#retry(error);
    else this.#end(error);
  }
  #retry(error) {
    this.$lost(error);
    if (this.#state !== "errored" || !this.#link.open()) return;
    this.#stop = this.#link.clock.after(this.#backoff.next(), () => void this.$rejoin());
  }
  #leave(error) {
    return new Promise((resolve) => {
      if (!this.#link.channels.has(this)) return resolve();
      const before = this.#leaving;
      this.#leaving = () => {
        before?.();
        resolve();
      };
      if (before) return;
      const joinRef = this.#joinRef;
      this.#fail("left", error);
      this.#set("leaving", error);
      if (!joinRef || !this.#link.open()) return this.#end();
      this.#send({ ref: this.#link.ref(), event: "phx_leave", body: "{}", options: {}, done: () => this.#end() });
    });
  }
  /** Nothing more comes of the join. Leaves the channel ready for another one. */
  #end(error) {
    this.#fail(error ? "disconnected" : "left", error);
    this.#joinRef = void 0;
    this.#link.channels.delete(this);
    this.#set("closed", error);
    this.#leaving?.();
    this.#leaving = void 0;
  }
  /** Fails whatever waits for an answer: the pushes with code, and the join with error, where there is one. */
  #fail(code, error) {
    const gone = new ChannelError(code, error?.message ?? `${this.topic}: left`);
    this.#stop?.();
    this.#joining?.(error ?? gone);
    for (const request of [...this.#sent.values(), ...this.#buffer]) {
      if (request.event !== "phx_leave" && request.event !== "phx_join") this.#settle(request, gone);
      else this.#forget(request);
    }
  }
  /** Sends request and waits for the reply. Throws where it cannot be a frame. */
  #send(request) {
    const frame = this.#frame(request);
    this.#sent.set(request.ref, request);
    this.#await(request);
    this.#link.send(frame);
  }
  /** Sends what needs no answer. */
  #post(event) {
    this.#link.send($encode(this.#joinRef ?? null, this.#link.ref(), this.topic, event, "{}"));
  }
  #frame({ ref, event, body }) {
    const joinRef = this.#joinRef ?? "";
    const frame = typeof body === "string" ? $encode(joinRef, ref, this.topic, event, body) : this.#definition.binary?.encode(joinRef, ref, this.topic, event, body);
    if (!frame) throw new TypeError(`${event} on ${this.topic} takes no bytes`);
    const size = typeof frame === "string" ? $byteLength(frame) : frame.length;
    if (size > this.#link.maxFrame) {
      throw new ChannelError("too_large", `${event} on ${this.topic}: ${size} bytes, and options.maxFrame is ${this.#link.maxFrame}`);
    }
    return frame;
  }
  #await(request) {
    const { timeout = this.#link.timeout, signal } = request.options;
    const what = `${request.event} on ${this.topic}`;
    request.stop = $watch(this.#link.clock, what, timeout, signal, (error) => this.#settle(request, error));
  }
  #settle(request, error, response, reply) {
    this.#forget(request);
    request.done(error, response, reply);
  }
  #forget(request) {
    this.#sent.delete(request.ref);
    this.#buffer.delete(request);
    request.stop?.();
  }
  #set(state, error) {
    if (state === this.#state) return;
    this.#state = state;
    this.#states.emit(state, error);
  }
};
async function $attempt(promise) {
  try {
    return { ok: true, reply: await promise };
  } catch (error) {
    if (error instanceof ChannelError) return { ok: false, error };
    throw error;
  }
}
function $events(channel, clock, event, { buffer = 1e3, timeout, signal }) {
  const what = `${event} on ${channel.topic}`;
  const events = [];
  const asked = [];
  let over = false;
  let failure;
  const next = async () => {
    if (events.length) return { done: false, value: events.shift() };
    if (!over) return new Promise((resolve) => asked.push(resolve));
    const error = failure;
    failure = void 0;
    if (error) throw error;
    return { done: true, value: void 0 };
  };
  const end = (error) => {
    if (over) return;
    over = true;
    failure = error;
    events.length = 0;
    stops.forEach((stop) => stop());
    for (const resolve of asked.splice(0)) resolve(next());
  };
  const take = (value) => {
    const resolve = asked.shift();
    if (resolve) resolve({ done: false, value });
    else if (events.push(value) > buffer) end(new ChannelError("too_slow", `${what}: more than ${buffer} wait to be taken`));
  };
  const stops = [
    channel.on(event, take),
    channel.onState((state, error) => (state === "leaving" || state === "closed") && end(error)),
    $watch(clock, what, timeout, signal, end)
  ];
  if (signal?.aborted) end(new ChannelError("aborted", `${what} was aborted`));
  return {
    next,
    async return() {
      end();
      return next();
    },
    [Symbol.asyncIterator]() {
      return this;
    }
  };
}
async function $once(channel, clock, event, options) {
  const events = $events(channel, clock, event, options);
  const { done, value } = await events.next();
  void events.return?.();
  if (done) throw new ChannelError("left", `${channel.topic}: left before ${event} came`);
  return value;
}
var $uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
function $topic(pattern, params) {
  const topic = pattern.replace(/{(\w+)(:int|:uuid|\*)?}/g, (_, name2, kind) => {
    const value = params[name2];
    const text = String(value);
    const fits = kind === ":int" ? Number.isSafeInteger(value) : typeof value === "string" && (kind === "*" || (kind ? $uuid.test(text) : text !== "" && !text.includes(":")));
    if (!fits) throw new RangeError(`topic ${pattern}: ${name2} cannot be ${JSON.stringify(value)}`);
    return text;
  });
  if ($byteLength(topic) > 255) throw new RangeError(`topic ${pattern}: over 255 bytes: ${topic}`);
  if (/\p{Cs}/u.test(topic)) throw new RangeError(`topic ${pattern}: half a surrogate pair in ${JSON.stringify(topic)}`);
  return topic;
}
function $encode(joinRef, ref, topic, event, body) {
  return `${JSON.stringify([joinRef, ref, topic, event]).slice(0, -1)},${body}]`;
}
function $decode(text) {
  const frame = JSON.parse(text);
  const [joinRef, ref, topic, event, payload] = frame;
  const texts = [joinRef ?? "", ref ?? "", topic, event];
  const fits = Array.isArray(frame) && payload !== void 0 && texts.every((each) => typeof each === "string");
  if (!fits || event === "phx_reply" && Object(payload) !== payload) throw new TypeError(`no frame: ${text.slice(0, 99)}`);
  return frame;
}
async function $read(source) {
  return typeof source === "function" ? source() : source;
}
var $proof = 5e3;
var $Backoff = class {
  #clock;
  #tries = 0;
  #since = 0;
  constructor(clock) {
    this.#clock = clock;
  }
  /** An attempt has succeeded. */
  succeeded() {
    this.#since = this.#clock.now();
  }
  /** The delay in milliseconds before the next attempt. */
  next() {
    if (this.#since && this.#clock.now() - this.#since >= $proof) this.#tries = 0;
    this.#since = 0;
    return Math.min(500 * 2 ** this.#tries++, 1e4) * (0.5 + Math.random() / 2);
  }
};
var $Listeners = class {
  #callbacks = /* @__PURE__ */ new Set();
  /** Adds callback, as often as it is given, and returns what removes this one again. */
  add(callback) {
    const entry = { call: callback };
    this.#callbacks.add(entry);
    return () => void this.#callbacks.delete(entry);
  }
  emit(...args) {
    for (const entry of [...this.#callbacks]) {
      if (this.#callbacks.has(entry)) $guard(() => entry.call(...args));
    }
  }
};
function $guard(callback) {
  try {
    callback();
  } catch (error) {
    $report(error);
  }
}
function $turns() {
  const waiting = [];
  let busy = false;
  const others = () => {
    const channel = waiting.length && $global.MessageChannel ? new $global.MessageChannel() : void 0;
    const next = () => {
      if (!waiting.length) {
        busy = false;
        channel?.port1.close();
      } else if (channel) channel.port2.postMessage(0);
      else $global.setTimeout(step, 0);
    };
    const step = () => {
      $guard(waiting.shift());
      next();
    };
    if (channel) channel.port1.onmessage = step;
    next();
  };
  return (callback) => {
    if (busy) return void waiting.push(callback);
    busy = true;
    void Promise.resolve().then(others);
    callback();
  };
}
var $longest = 200;
function $printer() {
  const pushes = /* @__PURE__ */ new Map();
  return (direction, [joinRef, ref, topic, event, payload]) => {
    const reply = event === "phx_reply";
    const kind = reply ? "reply" : direction === "sent" || joinRef !== null ? "push" : "broadcast";
    const name2 = reply ? pushes.get(ref) ?? event : event;
    if (reply) pushes.delete(ref);
    else if (direction === "sent") pushes.set(ref, event);
    const text = JSON.stringify(payload, (_, value) => value instanceof Uint8Array ? `${value.length} bytes` : value);
    const short = text.length > $longest ? `${text.slice(0, $longest)}\u2026` : text;
    const arrow = direction === "sent" ? "\u2192" : "\u2190";
    const number = reply || direction === "sent" ? ` #${ref}` : "";
    $global.console.debug(`${arrow} ${kind} ${topic} ${name2}${number} ${short}`);
  };
}
function $sent(data, binary) {
  if (typeof data === "string") return JSON.parse(data);
  const copy = Uint8Array.of(1, ...data.subarray(1));
  const [joinRef, ref, topic, , reply] = binary.decode(copy.buffer);
  const { status, response } = reply;
  return [joinRef, ref, topic, status, response];
}
var $global = globalThis;
var $clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = $global.setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
    return () => $global.clearTimeout(timer);
  }
};
function $report(error) {
  if ($global.reportError) $global.reportError(error);
  else $global.console.error(error);
}
function $byteLength(text) {
  return new $global.TextEncoder().encode(text).length;
}
var Socket = class extends $Socket {
};
var room = { topic: "room:{room_id}", presence: $Presence };

// web/view.ts
var connectionTexts = {
  open: "Connected",
  connecting: "Connecting\u2026",
  reconnecting: "Reconnecting\u2026",
  closed: "Offline",
  refused: "Refused"
};
var View = class {
  #events;
  #messages = element("messages");
  #scroll = element("scroll");
  #body = element("body");
  /** Whether nothing works until there is another name. */
  #needsName = false;
  /** What has been put back into the field, which begins with it as long as nobody changes that. */
  #unsent = "";
  constructor(events) {
    this.#events = events;
    this.#welcome();
    this.#composer();
    this.#panels();
    element("rename").onclick = () => events.onRename();
    element("dismiss").onclick = () => this.notice("");
    element("new-room").onsubmit = (event) => {
      event.preventDefault();
      const field = element("new-room-name");
      const id = field.value.trim().replaceAll(":", "-");
      field.value = "";
      if (id !== "") this.#open(id);
    };
  }
  /** Asks for a name, until there is one where name is empty or error says what is wrong with it. */
  askName(name2, error = "") {
    this.#needsName = name2 === "" || error !== "";
    const dialog = element("welcome");
    element("name").value = name2;
    element("welcome-error").textContent = error;
    element("welcome-error").hidden = error === "";
    if (!dialog.open) dialog.showModal();
  }
  me(name2) {
    element("me").textContent = name2;
  }
  connection(state) {
    const badge = element("connection");
    badge.dataset["state"] = state;
    badge.textContent = connectionTexts[state] ?? state;
  }
  notice(text) {
    element("notice-text").textContent = text;
    element("notice").hidden = text === "";
  }
  rooms(ids, current2, unread) {
    element("rooms").replaceChildren(
      ...ids.map((id) => {
        const button = create("button", "", create("span", "label", id));
        const count = unread.get(id) ?? 0;
        if (count > 0) button.append(create("span", "unread", String(count)));
        if (id === current2) button.setAttribute("aria-current", "page");
        button.onclick = () => this.#open(id);
        return create("li", "", button);
      })
    );
    const total = [...unread.values()].reduce((sum, count) => sum + count, 0);
    document.title = total > 0 ? `(${total}) Chat` : "Chat";
  }
  /** gaps are the ids of messages after which some may be missing; you is this client's author id. */
  room(id, messages, gaps, people, you) {
    element("title").textContent = "#" + id;
    this.#paintPeople(people, you);
    this.#paintTyping(people, you);
    const atEnd = this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < 80;
    this.#messages.replaceChildren(...this.#items(messages, gaps, you));
    if (atEnd) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }
  #open(id) {
    element("rooms-panel").classList.remove("open");
    this.#events.onRoom(id);
  }
  *#items(messages, gaps, you) {
    let day = "";
    let before;
    for (const message of messages) {
      const sent = new Date(message.sent_at);
      const today = sent.toLocaleDateString(void 0, { weekday: "long", day: "numeric", month: "long" });
      if (today !== day) {
        yield create("li", "divider", today);
        day = today;
        before = void 0;
      }
      yield item(message, sent, you, before);
      before = message;
      if (gaps.has(message.id)) {
        yield create("li", "divider", "You were away: messages may be missing here");
        before = void 0;
      }
    }
  }
  #paintPeople(people, you) {
    const sorted = [...people].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
    element("people-count").textContent = String(sorted.length);
    element("people").replaceChildren(
      ...sorted.map((person) => {
        const name2 = nameOf(person);
        const row = create("li", "", avatar(person.key, name2), create("span", "who", name2));
        if (isTyping(person)) row.append(create("span", "pencil", "\u270E"));
        if (person.key === you) row.append(create("span", "you", "you"));
        return row;
      })
    );
  }
  #paintTyping(people, you) {
    const names = people.filter((person) => person.key !== you && isTyping(person)).map(nameOf);
    const list = new Intl.ListFormat(void 0, { type: "conjunction" });
    let text = "";
    if (names.length > 3) text = "Several people are typing\u2026";
    else if (names.length > 0) text = `${list.format(names)} ${names.length === 1 ? "is" : "are"} typing\u2026`;
    element("typing").textContent = text;
  }
  #welcome() {
    const dialog = element("welcome");
    dialog.onclose = () => {
      if (this.#needsName && !dialog.open) dialog.showModal();
    };
    element("welcome-form").onsubmit = (event) => {
      event.preventDefault();
      const name2 = element("name").value.trim();
      if (name2 === "") return;
      this.#needsName = false;
      dialog.close();
      this.#body.focus();
      this.#events.onName(name2);
    };
  }
  #composer() {
    const form = element("composer");
    this.#body.oninput = () => this.#events.onTyping();
    this.#body.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    };
    form.onsubmit = async (event) => {
      event.preventDefault();
      const body = this.#body.value.trim();
      if (body === "") return;
      this.#body.value = this.#unsent = "";
      this.#scroll.scrollTop = this.#scroll.scrollHeight;
      if (!await this.#events.onSend(body)) this.#putBack(body);
    };
  }
  /** Puts a message that was not sent back into the field, before what has been typed since. */
  #putBack(body) {
    if (!this.#body.value.startsWith(this.#unsent)) this.#unsent = "";
    const since = this.#body.value.slice(this.#unsent.length).trimStart();
    this.#unsent += (this.#unsent && "\n") + body;
    this.#body.value = this.#unsent + (since && "\n") + since;
  }
  #panels() {
    for (const side of ["rooms", "people"]) {
      const panel = element(side + "-panel");
      element("open-" + side).onclick = () => panel.classList.add("open");
      element("close-" + side).onclick = () => panel.classList.remove("open");
    }
  }
};
function item(message, sent, you, before) {
  const time = create("time", "", sent.toLocaleTimeString(void 0, { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = message.sent_at;
  const head = create("p", "head", create("b", "", message.author.name), " ", time);
  const bubble = create("div", "bubble", message.body);
  if (message.attachment !== void 0) bubble.append(attachment(message.attachment));
  const line = create("li", "message", head, bubble);
  line.title = sent.toLocaleString();
  line.classList.toggle("mine", message.author.id === you);
  line.classList.toggle("mentioned", message.mentions.some((author) => author.id === you));
  line.classList.toggle("follows", before?.author.id === message.author.id && sent.getTime() - Date.parse(before.sent_at) < 12e4);
  return line;
}
function attachment(attached) {
  if (!attached.url.startsWith("https://")) return document.createTextNode("");
  switch (attached.type) {
    case "image": {
      const image = create("img", "");
      image.src = attached.url;
      image.width = attached.width;
      image.height = attached.height;
      image.loading = "lazy";
      image.alt = "";
      return image;
    }
    case "link": {
      const link = create("a", "", attached.title ?? attached.url);
      link.href = attached.url;
      link.rel = "noopener noreferrer";
      link.target = "_blank";
      return create("p", "", link);
    }
  }
}
function nameOf(person) {
  return person.metas[0]?.name ?? "";
}
function isTyping(person) {
  return person.metas.some((meta) => meta.typing);
}
function avatar(id, name2) {
  let hue = 0;
  for (const character of id) hue = (hue * 31 + (character.codePointAt(0) ?? 0)) % 360;
  const disc = create("span", "avatar", [...name2][0]?.toUpperCase() ?? "?");
  disc.style.background = `hsl(${hue} 45% 40%)`;
  disc.ariaHidden = "true";
  return disc;
}
function element(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}
function create(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

// web/app.ts
var suggestions = ["lobby", "random", "private"];
var typingPauseMs = 3e3;
var noRoom = "No room can have that name.";
var name = sessionStorage.getItem("chat.name") ?? "";
var current;
var typingTimer;
var rooms = /* @__PURE__ */ new Map();
var view = new View({
  onName: enter,
  onRoom: (id) => void show(id),
  onSend: send,
  onTyping: typing,
  onRename: () => view.askName(name)
});
var socket = new Socket("/socket", { params: () => ({ name }) });
socket.onState((state, reason) => {
  view.connection(state);
  if (state === "refused") view.askName(name, `The server refused this name: ${reason || "it gave no reason"}.`);
});
function openChannel(id) {
  return socket.channel(room, { room_id: id }, {});
}
function enter(chosen) {
  const renamed = chosen !== name && rooms.size > 0;
  name = chosen;
  sessionStorage.setItem("chat.name", name);
  view.me(name);
  if (renamed) socket.disconnect();
  socket.connect();
  followAddress();
}
function followAddress() {
  let id = "lobby";
  try {
    id = decodeURIComponent(location.hash.slice(1)) || id;
  } catch {
    return goBack(current, noRoom);
  }
  void show(id);
}
async function show(id) {
  stopTyping();
  view.notice("");
  const before = current;
  const known = rooms.get(id);
  if (known !== void 0) return bringToFront(known);
  let channel;
  try {
    channel = openChannel(id);
  } catch {
    return goBack(before, noRoom);
  }
  const open = { id, channel, messages: [], gaps: /* @__PURE__ */ new Set(), unread: 0, you: void 0 };
  rooms.set(id, open);
  listen(open);
  bringToFront(open);
  const failure = await join(open);
  if (failure === void 0) return;
  rooms.delete(id);
  const why = `#${id}: ${failure}`;
  if (current === open) goBack(before, why);
  else view.notice(why);
}
function goBack(before, why) {
  if (before !== void 0 && rooms.get(before.id) === before) bringToFront(before);
  else if (current?.id !== "lobby" && socket.state !== "refused") void show("lobby");
  view.notice(why);
}
function bringToFront(open) {
  current = open;
  open.unread = 0;
  history.replaceState(null, "", "#" + encodeURIComponent(open.id));
  paint(open);
}
function listen(open) {
  open.channel.on("message_created", (message) => {
    add(open, [message]);
    if (open !== current || document.hidden) open.unread += 1;
    paint(open);
  });
  open.channel.on("message_deleted", ({ id }) => {
    open.messages = open.messages.filter((message) => message.id !== id);
    paint(open);
  });
  open.channel.presence.onChange(() => paint(open));
}
async function join(open) {
  const joined = await open.channel.tryJoin({
    onRejoin: ({ reply, recovered }) => {
      const last = open.messages.at(-1);
      const complete = recovered || last === void 0 || reply.recent.some((message) => message.id === last.id);
      if (!complete) open.gaps.add(last.id);
      welcome(open, reply);
    }
  });
  if (!joined.ok) return joined.error.message;
  welcome(open, joined.reply);
  return void 0;
}
function welcome(open, { you, recent }) {
  open.you = you.id;
  add(open, recent);
  paint(open);
}
function add(open, messages) {
  const byId = new Map(open.messages.map((message) => [message.id, message]));
  for (const message of messages) byId.set(message.id, message);
  open.messages = [...byId.values()].sort((a, b) => Date.parse(a.sent_at) - Date.parse(b.sent_at));
}
function paint(open) {
  const unread = new Map([...rooms.values()].map((each) => [each.id, each.unread]));
  view.rooms([.../* @__PURE__ */ new Set([...suggestions, ...rooms.keys()])], current?.id, unread);
  if (open === current) view.room(open.id, open.messages, open.gaps, open.channel.presence.list(), open.you);
}
async function send(body) {
  const open = current;
  if (open === void 0) return false;
  stopTyping();
  const sent = await open.channel.tryPush("send_message", { body });
  if (sent.ok) {
    view.notice("");
    return true;
  }
  switch (sent.error.code) {
    case "slow_down":
      view.notice(`Too fast: try again in ${Math.ceil(sent.error.retry_after_ms / 100) / 10} seconds.`);
      break;
    case "disconnected":
    case "timeout":
      view.notice("Not sent: the connection was lost. Try again when it is back.");
      break;
    default:
      view.notice(`Not sent: ${sent.error.message}`);
  }
  return false;
}
function typing() {
  if (typingTimer === void 0) setTyping(true);
  clearTimeout(typingTimer);
  typingTimer = setTimeout(stopTyping, typingPauseMs);
}
function stopTyping() {
  if (typingTimer === void 0) return;
  clearTimeout(typingTimer);
  typingTimer = void 0;
  setTyping(false);
}
function setTyping(active) {
  if (current?.channel.state === "joined") void current.channel.tryPush("set_typing", { active });
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden || current === void 0) return;
  current.unread = 0;
  paint(current);
});
addEventListener("hashchange", () => name !== "" && followAddress());
if (name === "") view.askName("");
else enter(name);
