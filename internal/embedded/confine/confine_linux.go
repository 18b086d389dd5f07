//go:build linux && cgo

package confine

/*
#cgo CFLAGS: -O2 -U_FORTIFY_SOURCE
#include <stdlib.h>
int txflow_confine(const char *root, int may_write);
*/
import "C"

import (
	"fmt"
	"path/filepath"
	"sync"
	"unsafe"
)

// Supported reports whether To and Reading do anything on this system.
const Supported = true

// To allows C code of this process to change and read what is below dir. From the first call on it can open nothing
// else but what Reading names and a few files of the system: time zones, name resolution, certificates, and /proc and
// /sys without any process's environment. It is never undone.
func To(dir string) error { return allow(dir, 1) }

// Reading allows C code of this process to read what is below dir.
func Reading(dir string) error { return allow(dir, 0) }

var adding sync.Mutex

func allow(dir string, mayWrite C.int) error {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		return err
	}
	adding.Lock()
	defer adding.Unlock()
	for _, path := range []string{absolute, resolved} { // the engine uses the first, what it resolves is the second
		c := C.CString(path)
		refused := C.txflow_confine(c, mayWrite)
		C.free(unsafe.Pointer(c))
		if refused != 0 {
			return fmt.Errorf("confine the ClickHouse engine to %s: too many folders, or too long a path", path)
		}
	}
	return nil
}
