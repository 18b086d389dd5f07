package ui

import (
	"context"
	"net/http"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/stream/status"
)

// streamData is how far the groups are, with the rates since the sample before.
type streamData struct {
	Groups []groupRow
	looks  []status.Look
	Rates  bool // there was a look before, so that rates are known
}

type groupRow struct {
	status.Status
	Rows []partitionRow `json:"-"`
}

type partitionRow struct {
	Group     string  `json:"group"`
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Committed int64   `json:"committed"` // -1: nothing yet
	End       int64   `json:"end"`
	Lag       int64   `json:"lag"`
	Delay     float64 `json:"delay_seconds"`
	Owner     string  `json:"member"`
	Done      float64 `json:"-"` // share of what is kept that is read, in percent
}

type groupPart struct {
	Group    string  `json:"group"`
	Topic    string  `json:"topic"`
	State    string  `json:"state"`
	Members  int     `json:"members"`
	Lag      int64   `json:"lag"`
	Consumed float64 `json:"consumed_per_second"`
	Produced float64 `json:"produced_per_second"`
	Delay    float64 `json:"delay_seconds"`
	Stalled  string  `json:"stalled,omitempty"`
}

type readerRow struct {
	Table     string  `json:"table"`
	Topic     string  `json:"topic"`
	Group     string  `json:"group"`
	Consumers int     `json:"consumers"`
	Messages  uint64  `json:"messages"`
	Polled    float64 `json:"polled_seconds_ago"` // -1: never
	Committed float64 `json:"committed_seconds_ago"`
	Failed    float64 `json:"failed_seconds_ago"`
	Error     string  `json:"error,omitempty"`
}

// Polls says when it last asked for messages, and so on, for people.
func (r *readerRow) Polls() string { return since(r.Polled) }

// Commits says when it last stored something.
func (r *readerRow) Commits() string { return since(r.Committed) }

// Fails says when its last exception was.
func (r *readerRow) Fails() string { return since(r.Failed) }

func since(seconds float64) string {
	if seconds < 0 {
		return "never"
	}
	return duration(time.Duration(seconds*float64(time.Second))) + " ago"
}

// sameLooks is for how long the look before is one that rates can be of.
const sameLooks = time.Minute

// loadStream looks at the groups, and compares with the look before.
func (u *UI) loadStream(ctx context.Context) (*streamData, error) {
	now, err := u.cfg.Stream.Look(ctx)
	if err != nil {
		return nil, err
	}
	d := &streamData{looks: now}
	before := now
	if last := u.lastLooks; len(last) == len(now) && len(now) > 0 && now[0].At.Sub(last[0].At) < sameLooks {
		before, d.Rates = last, true
	}
	u.lastLooks = now
	stalled := u.cfg.Stream.Stalled(ctx, before, now)
	for i := range now {
		g := groupRow{Status: status.Of(before[i], now[i])}
		g.Stalled = stalled[g.Group]
		for _, p := range g.Partitions {
			row := partitionRow{g.Group, g.Topic, p.Number, p.Committed, p.End, p.Lag(), 0, p.Owner, 100}
			if !p.Oldest.IsZero() {
				row.Delay = now[i].At.Sub(p.Oldest).Seconds()
			}
			if kept := p.End - p.Begin; kept > 0 {
				row.Done = share(float64(p.Next()-p.Begin), float64(kept))
			}
			g.Rows = append(g.Rows, row)
		}
		d.Groups = append(d.Groups, g)
	}
	return d, nil
}

// streamNow is what is known of the stream; nothing where Kafka is not asked.
func (u *UI) streamNow(ctx context.Context) result[*streamData] {
	if u.cfg.Stream == nil {
		return result[*streamData]{}
	}
	return u.stream.get(ctx)
}

// streamView is the page of the stream.
type streamView struct {
	Asked       bool // Kafka is asked
	Stream      result[*streamData]
	Readers     []readerRow
	Last        []transactionRow
	DeadLetters []deadLetterCountRow
}

const lastShown = 20

func (u *UI) streamPage(r *http.Request) (*page, error) {
	ctx := r.Context()
	v := &streamView{Asked: u.cfg.Stream != nil, Stream: u.streamNow(ctx)}
	p := &page{View: "stream", Title: "Stream", Section: "Stream", Data: v, Live: 5}
	if v.Stream.Err != nil {
		p.Notes = append(p.Notes, "Kafka: "+v.Stream.Err.Error())
	}
	var err error
	if v.Last, err = u.lastRows(ctx, "stream", lastShown); err != nil {
		return nil, err
	}
	tables, err := u.cfg.DB.KafkaTables(ctx)
	if err != nil { // a user without rights to system tables
		p.Notes = append(p.Notes, "ClickHouse's readers: "+err.Error())
	}
	for i := range tables {
		v.Readers = append(v.Readers, readerOf(&tables[i]))
	}
	var groups []groupPart
	var partitions []partitionRow
	if s := v.Stream.Value; s != nil {
		for i := range s.Groups {
			g := &s.Groups[i]
			groups = append(groups, groupPart{g.Group, g.Topic, g.State, g.Members, g.Lag, g.Consumed, g.Produced, g.Delay,
				g.Stalled})
			partitions = append(partitions, g.Rows...)
		}
	}
	p.Parts = []Part{{"groups", groups}, {"partitions", partitions}, {"readers", v.Readers}, {"last", v.Last}}
	return p, nil
}

func readerOf(t *store.KafkaTable) readerRow {
	return readerRow{t.Name, t.Topic, t.Group, t.Consumers, t.Messages, secondsOf(t.Polled), secondsOf(t.Committed),
		secondsOf(t.Failed), t.Error}
}

func secondsOf(d time.Duration) float64 {
	if d < 0 {
		return -1
	}
	return d.Seconds()
}
