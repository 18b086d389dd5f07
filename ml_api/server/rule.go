package server

import (
	"encoding/binary"
	"math/bits"

	"github.com/txflow/txflow/internal/transaction"
)

// pythonModulus is what CPython takes hashes of integers by, on every 64-bit machine: the prime 2^61-1.
const pythonModulus = 1<<61 - 1

// pythonHash is CPython's hash(uuid.UUID(id)): the id as a 128-bit integer modulo 2^61-1. An id is never negative, so
// the one exception that Python makes, -1, does not arise.
func pythonHash(id *transaction.ID) uint64 {
	high, low := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	// 2^61 ≡ 1, so 2^64 ≡ 8; a remainder below 2^61 may be multiplied by 8 and stays below 2^64.
	sum, carry := bits.Add64(reduce(high)<<3, low, 0)
	return reduce(reduce(sum) + carry<<3)
}

// reduce returns v mod 2^61-1.
func reduce(v uint64) uint64 {
	v = v>>61 + v&pythonModulus
	if v >= pythonModulus {
		v -= pythonModulus
	}
	return v
}

// categoryIndex is the rule: CATEGORIES[hash(transaction.id) % len(CATEGORIES)].
func categoryIndex(id *transaction.ID, categories int) int {
	return int(pythonHash(id) % uint64(categories)) // it is below a small number
}
