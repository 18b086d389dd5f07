package transaction

// Interner hands out one string for equal bytes, so that a file with few distinct merchants allocates few. It forgets
// what it does not meet again soon, so it stays small. It is not safe for concurrent use.
type Interner struct{ slots [1024]string }

// String returns b as a string.
func (in *Interner) String(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > 64 {
		return string(b)
	}
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	slot := &in.slots[(h^h>>15)%uint32(len(in.slots))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}
