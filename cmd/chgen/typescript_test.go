package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	chatSharing = `version: 1
options: { go: { dir: chat }, ts: { file: web/chat.gen.ts, runtime: web/runtime.gen.ts, check: web/chat.check.ts } }
connect: { params: { name: string } }
channels:
  Room:
    topic: room:{id}
    client_events: { say: { payload: { text: string } } }
`
	feedSharing = `version: 1
options: { go: { dir: feed }, ts: { file: web/feed.gen.ts, runtime: ./web/runtime.gen.ts, check: web/feed.check.ts } }
connect: { params: { token: string } }
channels:
  Feed:
    topic: feed
    presence: { name: string }
    server_events: { item: { payload: { title: string } } }
`
	// pageSharing uses both schemas, each on a socket of its own and both on one.
	pageSharing = `
import { checks } from "./chat.check";
import { ChannelError, room, Socket, type Channel, type ConnectParams, type RoomChannel } from "./chat.gen";
import { ChannelError as FeedError, feed, Socket as FeedSocket, type Channel as FeedsChannel, type ConnectParams as FeedParams, type FeedChannel } from "./feed.gen";

class Nowhere {
  binaryType = "";
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  readonly url: string;
  constructor(url: string) {
    this.url = url;
    urls.push(url);
  }
  send(): void {}
  close(): void {}
}

const urls: string[] = [];
const url = "ws://localhost/socket";

new Socket(url, { params: { name: "ada" }, WebSocket: Nowhere }).channel(room, { id: "1" });
new FeedSocket(url, { params: { token: "t" }, WebSocket: Nowhere }).channel(feed);

const socket = new Socket<ConnectParams & FeedParams>(url, { params: { name: "ada", token: "t" }, WebSocket: Nowhere });
const lobby: Channel<RoomChannel> = socket.channel(room, { id: "1" });
const news: FeedsChannel<FeedChannel> = socket.channel(feed);
news.on("item", ({ title }) => title.trim());
news.presence.list()[0]?.metas[0]?.name.trim();
void lobby.tryJoin();
void news.tryJoin();
setTimeout(() => {
  const same = (ChannelError as unknown) === FeedError && Object.getPrototypeOf(Socket) === Object.getPrototypeOf(FeedSocket);
  console.log(same, urls.join().split("&_client=", 1)[0], JSON.stringify(checks.connect({ name: 1 })));
  socket.disconnect();
}, 10);

export function wrong(): void {
  // @ts-expect-error a param of one schema is missing
  new Socket<ConnectParams & FeedParams>(url, { params: { name: "ada" } });
  // @ts-expect-error a param that this schema does not have
  new Socket(url, { params: { name: "ada", token: "t" } });
  // @ts-expect-error params that lack those of the socket's own schema
  new Socket<FeedParams>(url, { params: { token: "t" } });
}
`
	strictConfig = `{
  "extends": "ROOT/tsconfig.json",
  "compilerOptions": { "types": [], "lib": ["es2022", "dom"] },
  "files": ["page.ts"]
}`
)

// sharing generates two schemas with one runtime.
func sharing(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	writeFile(t, filepath.Join(dir, "chat.yaml"), chatSharing)
	writeFile(t, filepath.Join(dir, "feed.yaml"), feedSharing)
	if code, _, stderr := chgen(filepath.Join(dir, "chat.yaml"), filepath.Join(dir, "feed.yaml")); code != exitFine {
		t.Fatalf("exit %d:\n%s", code, stderr)
	}
	return dir
}

func TestSchemasShareOneRuntimeOnOnePage(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	web := filepath.Join(sharing(t), "web")
	page, bundle := filepath.Join(web, "page.ts"), filepath.Join(web, "bundle.mjs")
	writeFile(t, page, pageSharing)
	writeFile(t, filepath.Join(web, "tsconfig.json"), strings.ReplaceAll(strictConfig, "ROOT", filepath.ToSlash(root)))
	for _, compiler := range []string{"typescript", "typescript-5.9"} {
		execute(t, "node", filepath.Join(root, "node_modules", compiler, "bin", "tsc"), "-p", web)
	}
	execute(t, filepath.Join(root, "node_modules", ".bin", "esbuild"), page, "--bundle", "--format=esm", "--outfile="+bundle)
	if n := strings.Count(string(read(t, bundle)), "$Socket = class"); n != 1 {
		t.Errorf("the bundle has the socket %d times, want once", n)
	}
	want := `true ws://localhost/socket/websocket?name=ada&token=t&vsn=2.0.0&chgen=1 {"path":"/name","message":"must be a string"}` + "\n"
	if got := execute(t, "node", bundle); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func execute(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func TestSharedRuntimeIsCheckedForEverySchema(t *testing.T) {
	t.Parallel()
	dir := sharing(t)
	runtime := filepath.Join(dir, "web", "runtime.gen.ts")
	stale := strings.Replace(string(read(t, runtime)), "class $Socket", "class $Other", 1)
	writeFile(t, runtime, stale)
	for _, schema := range []string{"chat.yaml", "feed.yaml"} {
		if code, _, stderr := chgen("check", filepath.Join(dir, schema)); code != exitProblems || !strings.Contains(stderr, runtime+" is stale\n") {
			t.Errorf("%s: got exit %d and %q", schema, code, stderr)
		}
	}
}

// Another schema may still need the runtime: it is not removed with the client of one.
func TestSharedRuntimeStaysWhenOneSchemaLeaves(t *testing.T) {
	t.Parallel()
	dir := sharing(t)
	path := filepath.Join(dir, "chat.yaml")
	writeFile(t, path, strings.Replace(chatSharing, "runtime: web/runtime.gen.ts, ", "", 1))
	if code, stdout, stderr := chgen(path); code != exitFine || strings.Contains(stdout, "removed") {
		t.Errorf("got exit %d, %q, %q", code, stdout, stderr)
	}
	if code, _, stderr := chgen("check", filepath.Join(dir, "feed.yaml")); code != exitFine {
		t.Errorf("the other schema is not whole any more:\n%s", stderr)
	}
}

func TestSharedRuntimeDoesNotReplaceWhatPeopleWrote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runtime := filepath.Join(dir, "web", "runtime.gen.ts")
	writeFile(t, runtime, "export const mine = 1;\n")
	writeFile(t, filepath.Join(dir, "chat.yaml"), chatSharing)
	if code, _, stderr := chgen(filepath.Join(dir, "chat.yaml")); code != exitProblems || !strings.Contains(stderr, "not chgen's to overwrite") {
		t.Errorf("got exit %d and %q", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "web", "chat.gen.ts")); err == nil {
		t.Error("the client was written all the same")
	}
}

func TestReactHooksImportTheClientFromWhereItIs(t *testing.T) {
	t.Parallel()
	for client, want := range map[string]string{"web/chat.gen.ts": "./chat.gen", "chat.ts": "../chat", "src/api/chat.ts": "../src/api/chat"} {
		dir := t.TempDir()
		schema := filepath.Join(dir, "chat.yaml")
		writeFile(t, schema, "version: 1\noptions: { go: { dir: gen }, ts: { file: "+client+", react: web/hooks.ts } }\n")
		if code, _, stderr := chgen(schema); code != exitFine {
			t.Fatalf("exit %d:\n%s", code, stderr)
		}
		if got := string(read(t, filepath.Join(dir, "web", "hooks.ts"))); !strings.Contains(got, `} from "`+want+`";`) {
			t.Errorf("with the client in %s there is no import from %s", client, want)
		}
	}
}
