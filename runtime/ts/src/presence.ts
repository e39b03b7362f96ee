import { $Listeners } from "./listeners.ts";

/** One key of a channel's presence: mostly one user, with a meta for each place where he is. */
export interface PresenceEntry<Meta> {
  readonly key: string;
  /** Oldest first. phx_ref is unique to the meta and changes with every update of it. */
  readonly metas: readonly (Meta & { readonly phx_ref: string })[];
}

/** What one change of a channel's presence brought. An update is in both, with the new meta and with the old. */
export interface PresenceChange<Meta> {
  readonly joins: readonly PresenceEntry<Meta>[];
  readonly leaves: readonly PresenceEntry<Meta>[];
}

/** Who is on a channel. While the channel is rejoining, the last known list stays. */
export interface ChannelPresence<Meta> {
  list(): PresenceEntry<Meta>[];
  /** Calls callback after every change, and returns what ends that. */
  onChange(callback: (list: PresenceEntry<Meta>[], change: PresenceChange<Meta>) => unknown): () => void;
}

type $Metas = PresenceEntry<object>["metas"];
type $MetasByKey = Readonly<Record<string, { readonly metas: $Metas }>>;
interface $Diff {
  readonly joins: $MetasByKey;
  readonly leaves: $MetasByKey;
}
interface $Changes {
  readonly joins: PresenceEntry<object>[];
  readonly leaves: PresenceEntry<object>[];
}

/** A channel's presence, put together from presence_state and presence_diff. */
export class $Presence implements ChannelPresence<object> {
  #entries = new Map<string, $Metas>();
  #listeners = new $Listeners<[list: PresenceEntry<object>[], change: PresenceChange<object>]>();
  #joinRef: string | undefined;
  /** Diffs that came before the state of this join; undefined once the state is there. */
  #early: $Diff[] | undefined;

  list(): PresenceEntry<object>[] {
    return [...this.#entries].map(([key, metas]) => ({ key, metas }));
  }

  onChange(callback: (list: PresenceEntry<object>[], change: PresenceChange<object>) => unknown): () => void {
    return this.#listeners.add(callback);
  }

  /** Takes presence_state and presence_diff of the join joinRef. */
  $receive(event: string, payload: unknown, joinRef: string): void {
    if (joinRef !== this.#joinRef) {
      this.#joinRef = joinRef;
      this.#early = [];
    }
    const change: $Changes = { joins: [], leaves: [] };
    if (event === "presence_state") {
      this.#replace(payload as $MetasByKey, change);
      this.#early?.forEach((diff) => this.#apply(diff, change));
      this.#early = undefined;
    } else if (this.#early) {
      this.#early.push(payload as $Diff);
      return;
    } else {
      this.#apply(payload as $Diff, change);
    }
    this.#listeners.emit(this.list(), change);
  }

  #replace(state: $MetasByKey, change: $Changes): void {
    const old = this.#entries;
    this.#entries = new Map(Object.entries(state).map(([key, { metas }]) => [key, metas]));
    for (const [key, metas] of this.#entries) $note(change.joins, key, $without(metas, old.get(key)));
    for (const [key, metas] of old) $note(change.leaves, key, $without(metas, this.#entries.get(key)));
  }

  #apply({ joins, leaves }: $Diff, change: $Changes): void {
    for (const [key, { metas }] of Object.entries(joins)) {
      const old = this.#entries.get(key) ?? [];
      const joined = $without(metas, old);
      this.#entries.set(key, [...old, ...joined]);
      $note(change.joins, key, joined);
    }
    for (const [key, { metas }] of Object.entries(leaves)) {
      const old = this.#entries.get(key) ?? [];
      const left = $without(old, metas);
      if (left.length) this.#entries.set(key, left);
      else this.#entries.delete(key);
      $note(change.leaves, key, $without(old, left));
    }
  }
}

/** The metas that are not among the others. */
function $without(metas: $Metas, others: $Metas = []): $Metas {
  return metas.filter((meta) => !others.some((other) => other.phx_ref === meta.phx_ref));
}

function $note(entries: PresenceEntry<object>[], key: string, metas: $Metas): void {
  if (metas.length) entries.push({ key, metas });
}
