package validate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/transaction"
)

// key is what finding duplicates needs of an accepted row: 40 bytes on temporary disk.
type key struct {
	id   transaction.ID
	hash uint64
	seq  uint64 // counts the rows that met the rules, over all files
	pos  uint64 // file and line, see position
}

const keyBytes = 16 + 8 + 8 + 8

// position packs a file's index and a line; 2^40 lines are more than any file has.
func position(file int, line uint64) uint64 { return uint64(file)<<40 | line }

func unposition(pos uint64) (file int, line uint64) { return int(pos >> 40), pos & (1<<40 - 1) }

const (
	bucketCount  = 256
	bucketBuffer = 16 << 10
)

// spill sorts keys into buckets by id, so that each bucket can be searched in memory: flat memory for files of any
// length. A bucket turns to disk when its buffer is full; the file has no name by then, so a kill leaves nothing
// behind.
type spill struct {
	dir     string
	buckets [bucketCount]struct {
		buf  []byte
		file *os.File
		n    int
	}
}

func bucketOf(id *transaction.ID) int {
	return int(mix(id) >> 56)
}

// mix spreads ids that count up over all buckets and slots.
func mix(id *transaction.ID) uint64 {
	h := binary.LittleEndian.Uint64(id[:8])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(id[8:])
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}

func (s *spill) add(k *key) error {
	b := &s.buckets[bucketOf(&k.id)]
	b.n++
	b.buf = append(b.buf, k.id[:]...)
	b.buf = binary.LittleEndian.AppendUint64(b.buf, k.hash)
	b.buf = binary.LittleEndian.AppendUint64(b.buf, k.seq)
	b.buf = binary.LittleEndian.AppendUint64(b.buf, k.pos)
	if len(b.buf) < bucketBuffer {
		return nil
	}
	if b.file == nil {
		f, err := os.CreateTemp(s.dir, "txflow-validate-")
		if err != nil {
			return diskError(s.dir, err)
		}
		if err := os.Remove(f.Name()); err != nil {
			return errors.Join(diskError(s.dir, err), f.Close())
		}
		b.file = f
	}
	if _, err := b.file.Write(b.buf); err != nil {
		return diskError(s.dir, err)
	}
	b.buf = b.buf[:0]
	return nil
}

func diskError(dir string, err error) error {
	if dir == "" {
		dir = os.TempDir()
	}
	err = fmt.Errorf("temporary disk in %s: %w", dir, err)
	if errors.Is(err, syscall.ENOSPC) {
		return fault.WithHint(fault.Fail(fault.ExitTryAgain, err), "free some space, or name another folder with --temp-dir")
	}
	return fault.Fail(fault.ExitUnavailable, err)
}

// close frees the temporary disk.
func (s *spill) close() {
	for i := range s.buckets {
		if f := s.buckets[i].file; f != nil {
			_ = f.Close() // it has no name: closing frees it
		}
	}
}

// repeat is a row whose id an earlier row had.
type repeat struct {
	key
	first    uint64 // position of the first row with the id
	conflict bool   // the content differs
}

// find calls visit for every repeat, a bucket at a time; within one bucket in the order of the rows.
func (s *spill) find(visit func(repeat) error) error {
	var table []uint32
	var data []byte
	for i := range s.buckets {
		b := &s.buckets[i]
		var err error
		if data, err = s.load(i, data[:0]); err != nil {
			return err
		}
		size := 16
		for size < 2*b.n {
			size *= 2
		}
		if cap(table) < size {
			table = make([]uint32, size)
		}
		table = table[:size]
		clear(table)
		for n := range b.n {
			k := decodeKey(data[n*keyBytes:])
			slot := mix(&k.id) & uint64(size-1)
			for ; table[slot] != 0; slot = (slot + 1) & uint64(size-1) {
				first := data[(table[slot]-1)*keyBytes:]
				if transaction.ID(first[:16]) != k.id {
					continue
				}
				f := decodeKey(first)
				if err := visit(repeat{key: k, first: f.pos, conflict: f.hash != k.hash}); err != nil {
					return err
				}
				break
			}
			if table[slot] == 0 {
				table[slot] = uint32(n + 1)
			}
		}
	}
	return nil
}

func (s *spill) load(i int, data []byte) ([]byte, error) {
	b := &s.buckets[i]
	if b.file != nil {
		size := b.n*keyBytes - len(b.buf)
		if cap(data) < b.n*keyBytes {
			data = make([]byte, 0, b.n*keyBytes+b.n*keyBytes/8)
		}
		data = data[:size]
		if _, err := b.file.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
			return nil, diskError(s.dir, err)
		}
	}
	return append(data, b.buf...), nil
}

func decodeKey(b []byte) key {
	return key{transaction.ID(b[:16]), binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:]),
		binary.LittleEndian.Uint64(b[32:])}
}

// bitmap marks rows by their sequence number: a bit a row.
type bitmap []uint64

func (b *bitmap) set(i uint64) {
	for uint64(len(*b)) <= i/64 {
		*b = append(*b, 0)
	}
	(*b)[i/64] |= 1 << (i % 64)
}

func (b bitmap) has(i uint64) bool { return i/64 < uint64(len(b)) && b[i/64]&(1<<(i%64)) != 0 }
