package refine

import (
	"context"
	"math"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

// Assigned implements pipeline.PartitionHandler: it restores the windows of partitions from what is committed in
// events.claims, up to the committed offset; what is only in events.silver, since an older release wrote it, from
// there.
func (h *Handler) Assigned(ctx context.Context, partitions []pipeline.Assignment) error {
	if err := h.cfg.refreshForgotten(ctx); err != nil {
		return err
	}
	start := h.cfg.Now()
	of, since := map[int32]*restoring{}, map[int32]time.Time{}
	h.mu.Lock()
	for i := range partitions {
		a := &partitions[i]
		r := &restoring{Assignment: a, hash: hashOf(a.LogID), since: unknown}
		switch {
		case a.Next <= 0: // nothing is committed, and so nothing is claimed; but the partition must exist
			r.from, r.since = start.Add(h.cfg.Window), 0
		case a.Version > 0: // a claim is written after the message that it is of
			r.from = time.UnixMicro(a.Version).Add(-h.cfg.Window - h.cfg.Window/restoreMargin)
		}
		of[a.Number], since[a.Number] = r, r.from
		delete(h.committed, a.Number)
		h.windows.Start(a.Number, a.Version)
	}
	h.mu.Unlock()
	if err := h.readClaims(ctx, of, since); err != nil {
		return err
	}
	older := map[int32]time.Time{}
	for number, r := range of {
		if r.since > max(r.from.UnixMicro(), 0) && r.Next > 0 {
			older[number] = r.from
		}
		h.since[number] = r.since
	}
	if len(older) > 0 {
		if err := h.readSilver(ctx, of, older); err != nil {
			return err
		}
		if err := h.readClaims(ctx, of, older); err != nil { // they know the log's time of a replay, a message does not
			return err
		}
	}
	n := 0
	for _, r := range of {
		n += r.claims
	}
	took := h.cfg.Now().Sub(start)
	h.stats.restored.Store(int64(took))
	h.look()
	h.cfg.Log.InfoContext(ctx, "windows restored", "topic", events.Claims, "partitions", len(partitions), "claims", n,
		"from_silver", len(older), "took", took)
	return nil
}

// restoring is a partition whose window is restored.
type restoring struct {
	*pipeline.Assignment
	hash   uint64
	from   time.Time // of the oldest claims that count; zero: of all
	since  int64     // the claims of all messages of that time or later were found; unknown where the last ones were not
	claims int
}

// unknown is a time that nothing is later than.
const unknown = math.MaxInt64

// readClaims takes over the claims of events.claims.
func (h *Handler) readClaims(ctx context.Context, of map[int32]*restoring, since map[int32]time.Time) error {
	return h.cfg.Claims.Read(ctx, since, func(m *pipeline.Message) error {
		r := of[m.Partition]
		c, ok := openClaims(m.Value)
		if !ok || c.log != r.hash {
			return nil
		}
		if c.next >= r.Next {
			r.since = min(r.since, c.since)
		}
		at := int64(0)
		for {
			more, whole := c.claim()
			if !whole {
				return fault.Failf(fault.ExitData, "%s, partition %d, offset %d: the message is cut off", events.Claims,
					m.Partition, m.Offset)
			}
			if !more || c.last.Offset >= r.Next {
				break
			}
			r.claims++
			at = c.last.Time
			h.windows.Add(m.Partition, &c.last)
		}
		h.windows.Committed(m.Partition, at)
		return nil
	})
}

// readSilver takes over the claims of messages of events.silver.
func (h *Handler) readSilver(ctx context.Context, of map[int32]*restoring, since map[int32]time.Time) error {
	return h.cfg.Silver.Read(ctx, since, func(m *pipeline.Message) error {
		r := of[m.Partition]
		if c, ok := claimOf(m, r.LogID, r.hash); ok && c.Offset < r.Next {
			r.claims++
			h.windows.Add(m.Partition, &c)
		}
		return nil
	})
}

// restoreMargin is the share of the window that is read in addition, since brokers' clocks differ: one of 12 parts.
const restoreMargin = 12

// Revoked implements pipeline.PartitionHandler.
func (h *Handler) Revoked(partitions []pipeline.Partition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range partitions {
		h.windows.Drop(p.Number)
		delete(h.committed, p.Number)
		delete(h.since, p.Number)
	}
}

// Reset forgets all partitions: the handler is used by another session from now on.
func (h *Handler) Reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.windows.Reset()
	clear(h.committed)
	clear(h.since)
}

// Committed implements pipeline.CommitHandler.
func (h *Handler) Committed(messages []pipeline.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range messages {
		m := &messages[i]
		h.committed[m.Partition] = max(h.committed[m.Partition], m.LogVersion)
	}
}

// takeCommitted drops what no message that may still come asks for.
func (h *Handler) takeCommitted() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for partition, at := range h.committed {
		h.windows.Committed(partition, at)
	}
	clear(h.committed)
}

// waitForRegistry is how long the registry is left alone after it did not answer.
const waitForRegistry = time.Second

// schema is the schema of an id. It waits for the registry, which is asked once for each: what an id names never
// changes.
func (h *Handler) schema(ctx context.Context, id int32) (s events.Schema, known bool, err error) {
	if h.cfg.Schemas == nil {
		return events.Schema{}, true, nil
	}
	if s, known = h.schemas[id]; known {
		return s, true, nil
	}
	for warned := false; ; warned = true {
		text, ok, err := h.cfg.Schemas.Schema(ctx, id)
		if err == nil {
			if !ok {
				return s, false, nil
			}
			if s, err = events.ParseSchema(text); err != nil {
				return s, false, fault.WithHint(fault.Failf(fault.ExitData, "this release cannot read events of schema %d: %w", id,
					err), "run a release of txflow that knows the schema; nothing is lost")
			}
			h.schemas[id] = s
			return s, true, nil
		}
		if !warned {
			h.cfg.Log.WarnContext(ctx, "the Schema Registry is waited for", "schema", id, "error", err)
		}
		select {
		case <-ctx.Done():
			return s, false, ctx.Err()
		case <-time.After(waitForRegistry):
		}
	}
}
