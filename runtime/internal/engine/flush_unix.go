//go:build unix

package engine

import "syscall"

// writesDirectly says that there is a write that does not wait.
const writesDirectly = true

// writeNow writes what the network takes of data at once. fd does not block.
func writeNow(fd uintptr, data []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), data)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, err
		}
	}
}

// readNow reads what there is; again says that this is nothing for now. fd does not block.
func readNow(fd uintptr, p []byte) (n int, again bool, err error) {
	for {
		n, err := syscall.Read(int(fd), p)
		switch err {
		case nil:
			return n, false, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, true, nil
		default:
			return 0, false, err
		}
	}
}
