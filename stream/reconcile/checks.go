package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions/message"
)

// checker compares a message with its entry in the ledger.
type checker struct {
	parser message.Parser
	parsed message.Parsed
}

// differs says what does not fit; "" when all does. A message that was stored is read by the rules again, but for the
// latest time, which was another one then. What was rejected may meet the rules of another release.
func (c *checker) differs(value []byte, e *ledger.StreamEntry) string {
	c.parser.Rules = transaction.DefaultRules(time.Time{})
	c.parser.Rules.Latest = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	c.parser.Rules.Source = e.Source // of a message that names none, the member's
	if e.Outcome != ledger.OutcomeStored {
		return ""
	}
	switch v := c.parser.Parse(value, &c.parsed); {
	case v.Code != transaction.CodeOK:
		return "the ledger calls it stored, and it breaks the rule " + string(v.Code)
	case c.parsed.Transaction.ID != e.ID:
		return "the message has another id than its entry in the ledger"
	case c.parsed.ContentHash != e.ContentHash:
		return "the message has another content than its entry in the ledger"
	}
	return ""
}

// unaccounted is a message without an entry. That is right if ClickHouse could not read its result, which is a dead
// letter of its own then.
func (r *run) unaccounted(ctx context.Context, part ledger.StreamRange, m *delivered) error {
	if r.unreadable == nil {
		if err := r.readUnreadable(ctx); err != nil {
			return err
		}
	}
	if r.unreadable[place{part.Partition, m.offset}] {
		r.counts.DeadLettered++
		return nil
	}
	r.add(part, ledger.FindingUnaccounted, transaction.ID{}, m.offset, "the ledger has no entry for this message")
	return nil
}

// codeUnreadable is of a result that ClickHouse could not read.
const codeUnreadable = "unreadable"

func (r *run) readUnreadable(ctx context.Context) error {
	r.unreadable = map[place]bool{}
	for _, topic := range []string{topics.Classified, topics.DeadLetters} {
		deadLetters, err := r.tables.DeadLetters(ctx, ledger.DeadLetterQuery{Origin: topic, Code: codeUnreadable, Raw: true})
		if err != nil {
			return err
		}
		for i := range deadLetters {
			if at, ok := placeOf(deadLetters[i].Raw); ok { // one that does not say it leaves its message unaccounted for
				r.unreadable[at] = true
			}
		}
	}
	return nil
}

// Inside a string the quotes would be escaped, so that no row's text is taken for these.
var (
	partitionOf = regexp.MustCompile(`"partition":(\d+)`)
	positionOf  = regexp.MustCompile(`"position":(\d+)`)
)

// placeOf returns which raw message a result is of, which may be damaged: it looks into JSON, and else into the text.
func placeOf(result []byte) (at place, ok bool) {
	var named struct {
		Partition *int32
		Position  *int64
		Call      struct{ Partition *int32 }
	}
	if json.Unmarshal(result, &named) == nil && named.Position != nil {
		if named.Partition == nil {
			named.Partition = named.Call.Partition
		}
		if named.Partition != nil {
			return place{*named.Partition, *named.Position}, true
		}
	}
	partition, position := partitionOf.FindSubmatch(result), positionOf.FindSubmatch(result)
	if partition == nil || position == nil {
		return at, false
	}
	number, err := strconv.ParseInt(string(partition[1]), 10, 32)
	if err != nil {
		return at, false
	}
	offset, err := strconv.ParseInt(string(position[1]), 10, 64)
	return place{int32(number), offset}, err == nil
}

// gaps adds what retention deleted: before the group read it, as the group recorded; what the group is still to notice;
// and what was read and can not be verified any more.
func (r *run) gaps(ctx context.Context, topic Topic) error {
	deadLetters, err := r.tables.DeadLetters(ctx,
		ledger.DeadLetterQuery{Origin: topics.Raw, Code: string(transaction.CodeDeleted), Raw: true})
	if err != nil {
		return err
	}
	if r.cfg.AcceptGap {
		closed := func(l ledger.DeadLetterState) bool { return l.State != ledger.StateOpen }
		return r.tables.MarkDeadLetters(ctx, slices.DeleteFunc(deadLetters, closed), ledger.StatePurged)
	}
	known := map[place]int64{} // the offset after a gap that is recorded, accepted or not, by where it begins
	gap := func(partition int32, first, next int64, why string) {
		part := ledger.StreamRange{Topic: topics.Raw, Partition: partition}
		r.add(part, ledger.FindingGap, transaction.ID{}, first, fmt.Sprintf("%d to %d: %s", first, next-1, why))
	}
	for i := range deadLetters {
		first, next, err := deadletter.ParseGap(deadLetters[i].Raw)
		if err != nil {
			return fault.Fail(fault.ExitData, err)
		}
		if at := &deadLetters[i].Origin; at.Digest == topic.Log {
			known[place{at.Partition, first}] = next
		}
		if deadLetters[i].State == ledger.StateOpen {
			gap(deadLetters[i].Origin.Partition, first, next, transaction.CodeDeleted.Message())
		}
	}
	for _, p := range topic.Partitions {
		if p.Committed >= 0 && p.Committed < p.Begin {
			gap(p.Number, p.Committed, p.Begin, "retention deleted these offsets, and the group has not read them")
		}
		from := p.Verified
		if next, ok := known[place{p.Number, from}]; ok {
			from = next
		}
		if end := min(p.Begin, p.Committed); from >= 0 && from < end {
			gap(p.Number, from, end, "retention deleted these offsets before they were verified")
		}
	}
	return nil
}
