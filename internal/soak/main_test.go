package soak_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

//go:generate go run ../../cmd/chgen generate soak.yaml

// TestMain runs the tests, or a node of a service under test, which is this program too.
func TestMain(m *testing.M) {
	if config := os.Getenv(nodeVariable); config != "" {
		os.Exit(runNode(config))
	}
	goleak.VerifyTestMain(m)
}
