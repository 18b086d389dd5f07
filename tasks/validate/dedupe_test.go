package validate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/transaction"
)

// TestSpillFindsEveryRepeat has more keys than the buffers hold, with ids that count up and repeat: each repeat is
// found once, with the first row of its id and whether the contents differ.
func TestSpillFindsEveryRepeat(t *testing.T) {
	t.Parallel()
	const ids, rows, buckets = 1_000, 4_000, 3 // few buckets, which turn to disk soon
	s := &spill{dir: t.TempDir()}
	defer s.close()
	first, contents := map[uint64]uint64{}, map[uint64]uint64{}
	want := map[uint64]string{}
	random := rand.New(rand.NewPCG(1, 2))
	var those []uint64
	for n := uint64(0); len(those) < ids; n++ {
		var id transaction.ID
		if binary.BigEndian.PutUint64(id[8:], n); bucketOf(&id) < buckets {
			those = append(those, n)
		}
	}
	for seq := range uint64(rows) {
		n := those[random.IntN(ids)]
		k := key{hash: random.Uint64N(2), seq: seq, pos: position(int(seq%3), seq+1)}
		binary.BigEndian.PutUint64(k.id[8:], n)
		if err := s.add(&k); err != nil {
			t.Fatal(err)
		}
		if at, ok := first[n]; ok {
			want[seq] = fmt.Sprint(k.pos, at, contents[n] != k.hash)
		} else {
			first[n], contents[n] = k.pos, k.hash
		}
	}
	onDisk := 0
	for i := range s.buckets {
		if s.buckets[i].file != nil {
			onDisk++
		}
	}
	if onDisk == 0 {
		t.Fatal("no bucket turned to disk: the test tests little")
	}
	if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
		t.Errorf("%d files have names, %v: a kill would leave them", len(left), err)
	}
	err := s.find(func(r repeat) error {
		if got := fmt.Sprint(r.pos, r.first, r.conflict); got != want[r.seq] {
			t.Errorf("row %d is %s, want %s", r.seq, got, want[r.seq])
		}
		delete(want, r.seq)
		return nil
	})
	if err != nil || len(want) > 0 {
		t.Errorf("%d repeats are not found, %v", len(want), err)
	}
}

// TestSpillStops returns the error of its caller.
func TestSpillStops(t *testing.T) {
	t.Parallel()
	s := &spill{}
	for range 3 {
		if err := s.add(&key{id: transaction.ID{1}}); err != nil {
			t.Fatal(err)
		}
	}
	stop, calls := errors.New("stop"), 0
	if err := s.find(func(repeat) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// TestDiskErrors have the exit code that says whether another try helps.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	if err := diskError("/d", &os.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}); fault.ExitCode(err) !=
		fault.ExitTryAgain || fault.Hint(err) == "" {
		t.Errorf("a full disk: %d, %v", fault.ExitCode(err), err)
	}
	s := &spill{dir: filepath.Join(t.TempDir(), "missing")}
	var err error
	for range bucketBuffer/keyBytes + 1 {
		if err = s.add(&key{}); err != nil {
			break
		}
	}
	if fault.ExitCode(err) != fault.ExitUnavailable {
		t.Errorf("a folder that is not there: %d, %v", fault.ExitCode(err), err)
	}
}

func TestPositionAndBitmap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file int
		line uint64
	}{{0, 0}, {0, 1}, {7, 1<<40 - 1}, {1<<23 - 1, 5}} {
		if file, line := unposition(position(c.file, c.line)); file != c.file || line != c.line {
			t.Errorf("%+v becomes %d, %d", c, file, line)
		}
	}
	var b bitmap
	for _, i := range []uint64{0, 63, 64, 1000} {
		b.set(i)
	}
	for i := range uint64(2000) {
		if want := i == 0 || i == 63 || i == 64 || i == 1000; b.has(i) != want {
			t.Errorf("bit %d is %t", i, b.has(i))
		}
	}
}
