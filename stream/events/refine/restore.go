package refine

import (
	"context"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

// Assigned implements pipeline.PartitionHandler: it restores the windows of partitions from what is committed in
// events.silver, up to the committed offset.
func (h *Handler) Assigned(ctx context.Context, partitions []pipeline.Assignment) error {
	start := h.cfg.Now()
	since, of := map[int32]time.Time{}, map[int32]*pipeline.Assignment{}
	hashes := map[int32]uint64{}
	h.mu.Lock()
	for i := range partitions {
		a := &partitions[i]
		of[a.Number], hashes[a.Number] = a, hashOf(a.LogID)
		delete(h.committed, a.Number)
		h.windows.Start(a.Number, a.Version)
		switch {
		case a.Next <= 0: // nothing is committed, and so nothing is claimed; but the partition must exist
			since[a.Number] = start.Add(h.cfg.Window)
		case a.Version > 0: // a message of events.silver is written after the one that it is made of
			since[a.Number] = time.UnixMicro(a.Version).Add(-h.cfg.Window - h.cfg.Window/restoreMargin)
		default:
			since[a.Number] = time.Time{}
		}
	}
	h.mu.Unlock()
	n := 0
	err := h.cfg.Silver.Read(ctx, since, func(m *pipeline.Message) error {
		a := of[m.Partition]
		c, ok := claimOf(m, a.LogID, hashes[m.Partition])
		if !ok || c.Offset >= a.Next {
			return nil
		}
		n++
		h.windows.Add(m.Partition, &c)
		h.windows.Committed(m.Partition, c.Time)
		return nil
	})
	if err != nil {
		return err
	}
	took := h.cfg.Now().Sub(start)
	h.stats.restored.Store(int64(took))
	h.look()
	h.cfg.Log.InfoContext(ctx, "windows restored", "topic", events.Silver, "partitions", len(partitions), "ids", n, "took",
		took)
	return nil
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
	}
}

// Reset forgets all partitions: the handler is used by another session from now on.
func (h *Handler) Reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.windows.Reset()
	clear(h.committed)
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
					err),
					"run a release of txflow that knows the schema; nothing is lost")
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
