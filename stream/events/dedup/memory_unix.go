//go:build unix

package dedup

import (
	"syscall"
	"unsafe"
)

// mapped is from how many places on memory is asked of the system: below it, a page would be mostly empty.
const mapped = 1 << 12

// allocate makes places. Large ones are outside of Go's heap: the garbage collector would let the heap grow to twice
// their size before it ran, and the system has them back at once when they are released.
func allocate(n int) []entry {
	if n < mapped {
		return make([]entry, n)
	}
	memory, err := syscall.Mmap(-1, 0, n*entrySize, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil { // such as a limit of mappings
		return make([]entry, n)
	}
	return unsafe.Slice((*entry)(unsafe.Pointer(unsafe.SliceData(memory))), n)
}

func release(places []entry) {
	if len(places) < mapped {
		return
	}
	memory := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(places))), len(places)*entrySize)
	_ = syscall.Munmap(memory) // it refuses what make made, which the garbage collector frees
}
