package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
)

// watch kills the statement when ctx ends before stop is called. The C interface has no cancel that another thread may
// call, so the statement carries a mark by which KILL QUERY, on a connection kept for it, finds it.
func (e *Engine) watch(ctx context.Context, s *Statement) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // it never fails
	mark := "statement " + hex.EncodeToString(raw[:])
	s.SQL = "/* " + mark + " */ " + s.SQL
	killed := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(killed)
		e.killing.Lock()
		defer e.killing.Unlock()
		// Not killed, the statement ends by itself: the caller waits either way.
		_ = e.run(e.killer, "KILL QUERY WHERE startsWith(query, "+Literal("/* "+mark)+") ASYNC")
	})
	return func() {
		if !cancel() {
			<-killed
		}
	}
}
