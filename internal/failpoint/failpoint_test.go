package failpoint

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAPointEndsTheProcessAtItsPassage(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, time.Millisecond} {
		p, err := parse(strings.TrimPrefix(Point{Name: Committing, Nth: 2, Held: time.Millisecond, Late: late,
			Signal: syscall.SIGTERM}.Env(), Env+"="))
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		killed := make(chan syscall.Signal, 2)
		a := &armed{Point: p, stderr: &said, kill: func(s syscall.Signal) { killed <- s }}
		a.pass(Committing)
		for range 3 {
			a.pass(Polled)
		}
		if len(killed) != 0 || said.Len() != 0 {
			t.Fatalf("killed before its second passage: %s", said.String())
		}
		a.pass(Committing)
		if s := <-killed; s != syscall.SIGTERM || said.String() != `{"event":"fail_point","name":"committing","nth":2}`+"\n" {
			t.Errorf("signal %v, said %s", s, said.String())
		}
		a.pass(Committing)
		if len(killed) != 0 {
			t.Error("killed twice")
		}
	}
}

func TestAWrongPointIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "polled", "nowhere 1 0 0 9", "polled 0 0 0 9", "polled x 0 0 9"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func BenchmarkPassUnarmed(b *testing.B) {
	for b.Loop() {
		Pass(Polled)
	}
}
