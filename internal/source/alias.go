package source

import "unsafe"

// alias makes a string of b without a copy: rows are encoded or compared while their block lives, and never kept.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
