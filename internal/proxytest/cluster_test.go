package proxytest_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chgen/chgen/examples/chat/chat"
	"github.com/chgen/chgen/internal/netfault"
	"github.com/chgen/chgen/runtime/client"
)

// block returns the first block of a language in a document.
func block(t *testing.T, file, language string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(data)
	if found == nil {
		t.Fatalf("%s has no block of %s", file, language)
	}
	return string(found[1])
}

// cluster runs the commands of docs/cluster.md, but for ports and places, until the test ends. It returns where the
// nodes are.
func cluster(t *testing.T) (nodes []string) {
	t.Helper()
	dir := t.TempDir()
	script := block(t, "../../docs/cluster.md", "sh")
	bus := netfault.FreePort(t)
	_, port, _ := net.SplitHostPort(bus)
	changes := []string{"--port 6379", "--port " + port, "127.0.0.1:6379", bus, "--dir /tmp", "--dir " + dir, "-o chat", "-o " + filepath.Join(dir, "chat"), "./chat ", filepath.Join(dir, "chat") + " "}
	upstream := block(t, "../../docs/cluster.md", "nginx")
	for _, documented := range []string{"127.0.0.1:4001", "127.0.0.1:4002", "127.0.0.1:4003"} {
		if !strings.Contains(upstream, "server "+documented+";") {
			t.Errorf("nginx does not know the node at %s", documented)
		}
		node := netfault.FreePort(t)
		nodes = append(nodes, node)
		changes = append(changes, documented, node)
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(script, changes[i]) {
			t.Fatalf("docs/cluster.md has no %q", changes[i])
		}
		script = strings.ReplaceAll(script, changes[i], changes[i+1])
	}
	var output bytes.Buffer
	cmd := exec.Command("bash", "-ec", script+"wait")
	cmd.Dir = "../.."
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s", output.String())
		}
	})
	for _, node := range nodes {
		reach(t, node)
	}
	return nodes
}

// reach waits until somebody listens there.
func reach(t *testing.T, addr string) {
	t.Helper()
	timeout := time.After(2 * time.Minute) // the chat is built first
	for {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-timeout:
			t.Fatalf("nobody listens at %s", addr)
		}
	}
}

func TestTheClusterOfTheDocumentationIsOneChat(t *testing.T) {
	t.Parallel()
	n := startNginx(t, strings.Join(cluster(t), "; server "))
	ctx := t.Context()
	heard := make(chan string, 100)
	var rooms []*chat.RoomClient
	for _, name := range []string{"Ada", "Grace", "Edsger"} { // nginx gives each to the next node
		c, err := client.New("ws://"+n.plain+"/socket", client.WithParams(&chat.ConnectParams{Name: name}))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		room := chat.NewRoomClient(c, chat.RoomTopic{RoomID: "lobby"})
		room.OnMessageCreated(func(m chat.Message) { heard <- m.Body + " at " + name })
		if _, err := room.Join(ctx, chat.RoomJoin{}); err != nil {
			t.Fatal(err)
		}
		rooms = append(rooms, room)
	}
	if _, err := rooms[0].SendMessage(ctx, chat.RoomSendMessage{Body: "hello"}); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{<-heard: true, <-heard: true, <-heard: true}
	for _, name := range []string{"Ada", "Grace", "Edsger"} {
		if !got["hello at "+name] {
			t.Errorf("%s has not heard it: %v", name, got)
		}
	}
	for range 3 { // of whatever node
		c, err := client.New("ws://"+n.plain+"/socket", client.WithParams(&chat.ConnectParams{Name: "Late"}))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, joined, err := chat.JoinRoom(ctx, c, chat.RoomTopic{RoomID: "lobby"}, chat.RoomJoin{})
		if err != nil || len(joined.Recent) != 1 {
			t.Errorf("who comes later is told %v, err %v; want the message", joined.Recent, err)
		}
	}
}
