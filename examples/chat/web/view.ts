// What the chat's page shows. It knows the document and nothing of sockets; text goes in as text, never as HTML.
import type { Attachment, Message, PresenceEntry, RoomPresence } from "./chat.gen";

/** One person in a room; the key is the author's id. */
type Person = PresenceEntry<RoomPresence>;

export interface ViewEvents {
  onName(name: string): void;
  onRoom(id: string): void;
  /** Resolves to true when the message has been sent and the field may be emptied. */
  onSend(body: string): Promise<boolean>;
  onTyping(): void;
  onRename(): void;
}

const connectionTexts: Readonly<Record<string, string>> = {
  open: "Connected",
  connecting: "Connecting…",
  reconnecting: "Reconnecting…",
  closed: "Offline",
  refused: "Refused",
};

export class View {
  readonly #events: ViewEvents;
  readonly #messages = element("messages");
  readonly #scroll = element("scroll");
  readonly #body = element<HTMLTextAreaElement>("body");
  /** Whether nothing works until there is another name. */
  #needsName = false;
  /** What has been put back into the field, which begins with it as long as nobody changes that. */
  #unsent = "";

  constructor(events: ViewEvents) {
    this.#events = events;
    this.#welcome();
    this.#composer();
    this.#panels();
    element("rename").onclick = () => events.onRename();
    element("dismiss").onclick = () => this.notice("");
    element<HTMLFormElement>("new-room").onsubmit = (event) => {
      event.preventDefault();
      const field = element<HTMLInputElement>("new-room-name");
      const id = field.value.trim().replaceAll(":", "-");
      field.value = "";
      if (id !== "") this.#open(id);
    };
  }

  /** Asks for a name, until there is one where name is empty or error says what is wrong with it. */
  askName(name: string, error = ""): void {
    this.#needsName = name === "" || error !== "";
    const dialog = element<HTMLDialogElement>("welcome");
    element<HTMLInputElement>("name").value = name;
    element("welcome-error").textContent = error;
    element("welcome-error").hidden = error === "";
    if (!dialog.open) dialog.showModal();
  }

  me(name: string): void {
    element("me").textContent = name;
  }

  connection(state: string): void {
    const badge = element("connection");
    badge.dataset["state"] = state;
    badge.textContent = connectionTexts[state] ?? state;
  }

  notice(text: string): void {
    element("notice-text").textContent = text;
    element("notice").hidden = text === "";
  }

  rooms(ids: readonly string[], current: string | undefined, unread: ReadonlyMap<string, number>): void {
    element("rooms").replaceChildren(
      ...ids.map((id) => {
        const button = create("button", "", create("span", "label", id));
        const count = unread.get(id) ?? 0;
        if (count > 0) button.append(create("span", "unread", String(count)));
        if (id === current) button.setAttribute("aria-current", "page");
        button.onclick = () => this.#open(id);
        return create("li", "", button);
      }),
    );
    const total = [...unread.values()].reduce((sum, count) => sum + count, 0);
    document.title = total > 0 ? `(${total}) Chat` : "Chat";
  }

  /** gaps are the ids of messages after which some may be missing; you is this client's author id. */
  room(id: string, messages: readonly Message[], gaps: ReadonlySet<string>, people: readonly Person[], you: string | undefined): void {
    element("title").textContent = "#" + id;
    this.#paintPeople(people, you);
    this.#paintTyping(people, you);
    const atEnd = this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < 80;
    this.#messages.replaceChildren(...this.#items(messages, gaps, you));
    if (atEnd) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  #open(id: string): void {
    element("rooms-panel").classList.remove("open");
    this.#events.onRoom(id);
  }

  *#items(messages: readonly Message[], gaps: ReadonlySet<string>, you: string | undefined): Generator<HTMLElement> {
    let day = "";
    let before: Message | undefined;
    for (const message of messages) {
      const sent = new Date(message.sent_at);
      const today = sent.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" });
      if (today !== day) {
        yield create("li", "divider", today);
        day = today;
        before = undefined;
      }
      yield item(message, sent, you, before);
      before = message;
      if (gaps.has(message.id)) {
        yield create("li", "divider", "You were away: messages may be missing here");
        before = undefined;
      }
    }
  }

  #paintPeople(people: readonly Person[], you: string | undefined): void {
    const sorted = [...people].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
    element("people-count").textContent = String(sorted.length);
    element("people").replaceChildren(
      ...sorted.map((person) => {
        const name = nameOf(person);
        const row = create("li", "", avatar(person.key, name), create("span", "who", name));
        if (isTyping(person)) row.append(create("span", "pencil", "✎"));
        if (person.key === you) row.append(create("span", "you", "you"));
        return row;
      }),
    );
  }

  #paintTyping(people: readonly Person[], you: string | undefined): void {
    const names = people.filter((person) => person.key !== you && isTyping(person)).map(nameOf);
    const list = new Intl.ListFormat(undefined, { type: "conjunction" });
    let text = "";
    if (names.length > 3) text = "Several people are typing…";
    else if (names.length > 0) text = `${list.format(names)} ${names.length === 1 ? "is" : "are"} typing…`;
    element("typing").textContent = text;
  }

  #welcome(): void {
    const dialog = element<HTMLDialogElement>("welcome");
    // A browser lets nobody be locked in: the second Escape closes any dialog.
    dialog.onclose = () => {
      if (this.#needsName && !dialog.open) dialog.showModal();
    };
    element<HTMLFormElement>("welcome-form").onsubmit = (event) => {
      event.preventDefault();
      const name = element<HTMLInputElement>("name").value.trim();
      if (name === "") return;
      this.#needsName = false;
      dialog.close();
      this.#body.focus();
      this.#events.onName(name);
    };
  }

  #composer(): void {
    const form = element<HTMLFormElement>("composer");
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
      if (!(await this.#events.onSend(body))) this.#putBack(body);
    };
  }

  /** Puts a message that was not sent back into the field, before what has been typed since. */
  #putBack(body: string): void {
    if (!this.#body.value.startsWith(this.#unsent)) this.#unsent = "";
    const since = this.#body.value.slice(this.#unsent.length).trimStart();
    this.#unsent += (this.#unsent && "\n") + body;
    this.#body.value = this.#unsent + (since && "\n") + since;
  }

  #panels(): void {
    for (const side of ["rooms", "people"]) {
      const panel = element(side + "-panel");
      element("open-" + side).onclick = () => panel.classList.add("open");
      element("close-" + side).onclick = () => panel.classList.remove("open");
    }
  }
}

function item(message: Message, sent: Date, you: string | undefined, before: Message | undefined): HTMLElement {
  const time = create("time", "", sent.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = message.sent_at;
  const head = create("p", "head", create("b", "", message.author.name), " ", time);
  const bubble = create("div", "bubble", message.body);
  if (message.attachment !== undefined) bubble.append(attachment(message.attachment));
  const line = create("li", "message", head, bubble);
  line.title = sent.toLocaleString();
  line.classList.toggle("mine", message.author.id === you);
  line.classList.toggle("mentioned", message.mentions.some((author) => author.id === you));
  line.classList.toggle("follows", before?.author.id === message.author.id && sent.getTime() - Date.parse(before.sent_at) < 120_000);
  return line;
}

function attachment(attached: Attachment): Node {
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

function nameOf(person: Person): string {
  return person.metas[0]?.name ?? "";
}

function isTyping(person: Person): boolean {
  return person.metas.some((meta) => meta.typing);
}

/** A coloured disc with the name's first letter; the colour follows from the author's id. */
function avatar(id: string, name: string): HTMLElement {
  let hue = 0;
  for (const character of id) hue = (hue * 31 + (character.codePointAt(0) ?? 0)) % 360;
  const disc = create("span", "avatar", [...name][0]?.toUpperCase() ?? "?");
  disc.style.background = `hsl(${hue} 45% 40%)`;
  disc.ariaHidden = "true";
  return disc;
}

function element<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as E;
}

function create<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}
