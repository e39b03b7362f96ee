// Package proxytest_test runs clients against a server behind Debian's nginx, with the configuration of docs/nginx.
package proxytest_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/netfault"
)

// nginx is a running nginx in front of a server.
type nginx struct {
	plain, secure string // host:port
	certFile      string
	trust         *http.Client
}

// startNginx starts nginx with docs/nginx/chgen.conf before the server at backend. Pairs of changes are made to it.
func startNginx(t *testing.T, backend string, changes ...string) *nginx {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // which the path of a user who is not root lacks
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal("this test needs nginx: sudo apt-get install nginx")
	}
	n := &nginx{}
	dir := t.TempDir()
	keyFile := n.makeCertificate(t, dir)
	for range 5 { // another process may take a port that was free
		n.plain, n.secure = netfault.FreePort(t), netfault.FreePort(t)
		edits := append([]string{
			"listen 80;", "listen " + n.plain + ";",
			"listen 443 ssl;", "listen " + n.secure + " ssl;",
			"server 127.0.0.1:4000;", "server " + backend + ";",
			"/etc/ssl/certs/chat.example.com.pem", n.certFile,
			"/etc/ssl/private/chat.example.com.key", keyFile,
			"/var/log/nginx/chgen.log", filepath.Join(dir, "access.log"),
		}, changes...)
		if n.run(t, path, dir, edit(t, edits)) {
			return n
		}
	}
	t.Fatal("nginx does not start")
	return nil
}

// edit returns the documented configuration with changes, each of which must apply.
func edit(t *testing.T, changes []string) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/nginx/chgen.conf")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("docs/nginx/chgen.conf has no %q", changes[i])
		}
		text = strings.ReplaceAll(text, changes[i], changes[i+1])
	}
	return text
}

// run starts nginx and reports whether it serves; it stops with the test.
func (n *nginx) run(t *testing.T, path, dir, site string) bool {
	t.Helper()
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	conf := "daemon off; master_process off; error_log stderr; pid " + filepath.Join(dir, "pid") + ";\nevents {}\nhttp {\n" +
		temporary.String() + site + "\n}\n"
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	cmd := exec.Command(path, "-e", "stderr", "-p", dir, "-c", file)
	cmd.Stderr = &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("tcp", n.secure); err == nil {
			_ = conn.Close()
			break
		}
		select {
		case <-tick.C:
		case <-exited:
			t.Logf("nginx: %s", output.String())
			return false
		}
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-exited
		if text := output.String(); strings.Contains(text, "[error]") || strings.Contains(text, "[emerg]") {
			t.Logf("nginx: %s", text)
		}
	})
	return true
}

// makeCertificate makes a certificate for 127.0.0.1 and a client that trusts it.
func (n *nginx) makeCertificate(t *testing.T, dir string) (keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, data []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	n.certFile = write("cert.pem", "CERTIFICATE", cert)
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	n.trust = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	t.Cleanup(n.trust.CloseIdleConnections)
	return write("key.pem", "PRIVATE KEY", private)
}
