// Package instance gives each of several processes that are started alike a name of its own, the same after a restart.
package instance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// most names are tried: far more than a topic has partitions to share.
const most = 1000

// Hold takes the first of PREFIX-1, PREFIX-2 and so on that no other process holds in a folder that they share, by a
// lock that the kernel gives back when the process ends, however it ends.
func Hold(dir, prefix string) (name string, release func(), err error) {
	for i := 1; i <= most; i++ {
		name = fmt.Sprintf("%s-%d", prefix, i)
		file, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return "", nil, err
		}
		switch err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return name, func() { _ = file.Close() }, nil // which gives the lock back
		case errors.Is(err, syscall.EWOULDBLOCK):
			_ = file.Close() // nothing was written
		default:
			_ = file.Close()
			return "", nil, fmt.Errorf("lock %s: %w", file.Name(), err)
		}
	}
	return "", nil, fmt.Errorf("%d members hold all names in %s", most, dir)
}
