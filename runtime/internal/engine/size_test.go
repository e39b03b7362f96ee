package engine

import (
	"testing"
	"unsafe"
)

// TestAnIdleConnectionIsSmall holds what every connection with a channel keeps to the runtime's size classes that it is in
// now: one more field may cost 32 bytes a connection, and twice that with what the collector leaves room for. What only
// some need, or for a while, belongs behind a pointer.
func TestAnIdleConnectionIsSmall(t *testing.T) {
	t.Parallel()
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the sizes are those of 64 bits")
	}
	for _, of := range []struct {
		name      string
		size, max uintptr
	}{
		{"Conn", unsafe.Sizeof(Conn{}), 320},
		{"link", unsafe.Sizeof(link{}), 128},
		{"Membership", unsafe.Sizeof(Membership{}), 288},
		{"hub", unsafe.Sizeof(hub{}), 112},
	} {
		if of.size > of.max {
			t.Errorf("%s takes %d bytes, want at most %d", of.name, of.size, of.max)
		}
	}
}
