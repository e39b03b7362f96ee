import { $Listeners } from "./listeners.ts";

/** One key of a channel's presence: mostly one user, with a meta for each place where he is. */
export interface PresenceEntry<Meta> {
  /** What the server tracks it under, mostly a user's id. */
  readonly key: string;
  /** Oldest first. phx_ref is unique to the meta and changes with every update of it. */
  readonly metas: readonly (Meta & { readonly phx_ref: string })[];
}

/** What one change of a channel's presence brought. An update is in both, with the new meta and with the old. */
export interface PresenceChange<Meta> {
  /** The metas that came, by key; a key may have had others before. */
  readonly joins: readonly PresenceEntry<Meta>[];
  /** The metas that went, by key; a key may have others left. */
  readonly leaves: readonly PresenceEntry<Meta>[];
}

/** Who is on a channel. While the channel is rejoining, the last known list stays. */
export interface ChannelPresence<Meta> {
  /** Everyone: who was there at the join in no particular order, then who came. The same array until the next change. */
  list(): readonly PresenceEntry<Meta>[];
  /** How many are on the list, or on the channel where it only counts. */
  readonly count: number;
  /** Calls callback after every change, and returns what ends that. */
  onChange(callback: (list: readonly PresenceEntry<Meta>[], change: PresenceChange<Meta>) => unknown): () => void;
}

type $Metas = PresenceEntry<object>["metas"];
type $Entries = readonly PresenceEntry<object>[];
type $Diff = PresenceChange<object>;
interface $Changes {
  readonly joins: PresenceEntry<object>[];
  readonly leaves: PresenceEntry<object>[];
}

/** A channel's presence, put together from presence_state and presence_diff. */
export class $Presence implements ChannelPresence<object> {
  #entries = new Map<string, $Metas>();
  #list: $Entries = [];
  /** What the server says where it only counts. */
  #count: number | undefined;
  #listeners = new $Listeners<[list: $Entries, change: PresenceChange<object>]>();
  #joinRef: string | undefined;
  /** Diffs that came before the state of this join; undefined once the state is there. */
  #early: $Diff[] | undefined;

  list(): $Entries {
    return this.#list;
  }

  get count(): number {
    return this.#count ?? this.#list.length;
  }

  onChange(callback: (list: $Entries, change: PresenceChange<object>) => unknown): () => void {
    return this.#listeners.add(callback);
  }

  /** Takes what the server says to the join joinRef. Throws, with nothing done, for what has another shape. */
  $receive(event: string, payload: unknown, joinRef: string): void {
    if (event === "chgen_presence_count") {
      this.#count = Number((payload as { count: number }).count);
      return this.#listeners.emit(this.#list, { joins: [], leaves: [] });
    }
    const state = event === "presence_state" ? $entries(payload) : undefined;
    const { joins, leaves } = Object(payload) as Record<string, unknown>;
    const diff = state ? { joins: [], leaves: [] } : { joins: $entries(joins), leaves: $entries(leaves) };
    if (joinRef !== this.#joinRef) {
      this.#joinRef = joinRef;
      this.#early = [];
    }
    const change: $Changes = { joins: [], leaves: [] };
    if (state) {
      this.#replace(state, change);
      this.#early?.forEach((early) => this.#apply(early, change));
      this.#early = undefined;
    } else if (this.#early) {
      this.#early.push(diff);
      return;
    } else {
      this.#apply(diff, change);
    }
    this.#list = [...this.#entries].map(([key, metas]) => ({ key, metas }));
    this.#listeners.emit(this.#list, change);
  }

  #replace(state: $Entries, change: $Changes): void {
    const old = this.#entries;
    this.#entries = new Map(state.map(({ key, metas }) => [key, metas]));
    for (const [key, metas] of this.#entries) $note(change.joins, key, $without(metas, old.get(key)));
    for (const [key, metas] of old) $note(change.leaves, key, $without(metas, this.#entries.get(key)));
  }

  #apply({ joins, leaves }: $Diff, change: $Changes): void {
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
}

/** The entries of metas by key, as the server sends them. Throws where they are something else. */
function $entries(byKey: unknown): $Entries {
  if (Object(byKey) !== byKey) throw new TypeError("presence without entries");
  return Object.entries(byKey as Record<string, PresenceEntry<object>>).map(([key, { metas }]) => {
    if (!metas.every(({ phx_ref }) => typeof phx_ref === "string")) throw new TypeError("presence without a phx_ref");
    return { key, metas };
  });
}

/** The metas that are not among the others. */
function $without(metas: $Metas, others: $Metas = []): $Metas {
  return metas.filter((meta) => !others.some((other) => other.phx_ref === meta.phx_ref));
}

function $note(entries: PresenceEntry<object>[], key: string, metas: $Metas): void {
  if (metas.length) entries.push({ key, metas });
}
