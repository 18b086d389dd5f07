package classify

import (
	"context"
	"sync"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/prediction"
)

// heldPart is an answered segment whose part is not recorded yet: should the ML API turn out to refuse everything, its
// refusals are discarded, and the segment is requested again.
type heldPart struct {
	url      string
	segment  batch.Segment
	part     *batch.Part
	replace  bool   // a damaged one is stored
	last     uint64 // the number of its last refusal, 0 for none
	artifact *batch.Artifact
	counts   *ledger.Counts
}

// heldParts are few: a refusal is settled a hundred rows later.
type heldParts struct {
	mu  sync.Mutex
	all []heldPart
}

func (h *heldParts) add(p heldPart) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, p)
}

// take removes the parts whose refusals are settled, or with all every part whose refusals count; left is the number of
// those that stay.
func (h *heldParts) take(refusals *prediction.Refusals, all bool) (settled []heldPart, left int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.all[:0]
	for _, p := range h.all {
		if fate := refusals.Fate(p.last); fate == prediction.Settled || fate == prediction.Pending && all {
			settled = append(settled, p)
		} else {
			kept = append(kept, p)
		}
	}
	h.all = kept
	return settled, len(kept)
}

// recordHeld records the parts that may be recorded; with end all of them, since no more rows follow.
func (c *classifier) recordHeld(ctx context.Context, end bool) error {
	if end {
		c.cfg.Refusals.Restart()
	}
	settled, left := c.held.take(c.cfg.Refusals, end)
	for _, p := range settled {
		part, a, err := c.record(ctx, p.url, p.segment, p.part, p.replace)
		if err != nil {
			return err
		}
		*p.artifact, *p.counts = describe(part, a, p.segment)
	}
	if end && left > 0 {
		return fault.Failf(fault.ExitTryAgain, "the ML API refused too many rows: %s %s to be requested again",
			display.Count(left, "segment"), display.Are(left))
	}
	return nil
}
