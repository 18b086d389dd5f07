package events

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/tombstone"
)

// refineBench is a broker with the topics of events, and members that refine.
type refineBench struct {
	harness.Place
	brokers string
	client  *kgo.Client
	r       *rand.Rand
	sent    []event.Event // accepted ones, to be repeated
	members []*harness.Process
	gone    string // the user who is forgotten
	erased  int    // events of that user in events.silver
}

// forgets has refine know the tombstone of a user, whose events are erased whenever they come.
func (b *refineBench) forgets(user string) {
	b.T.Helper()
	key := event.NewErasureKey()
	file := filepath.Join(b.Dir, "erasure.key")
	harness.Must(b.T, os.WriteFile(file, []byte(key.Text()), 0o600))
	b.Env = append(b.Env, "TXFLOW_ERASURE_KEY="+file)
	person := event.Person{User: user}
	r := tombstone.Record(&event.Tombstone{Hash: key.Hash(person), Scope: person.Scope(), KeyID: key.ID(),
		At: time.Now().AddDate(1, 0, 0).UnixMicro()})
	harness.Must(b.T, b.client.ProduceSync(b.T.Context(),
		&kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value}).FirstErr())
	b.gone = user
}

func newRefineBench(t *testing.T, brokers string) *refineBench {
	t.Helper()
	b := &refineBench{Place: harness.Place{T: t, Dir: t.TempDir(), Env: []string{"KAFKA_BROKERS=" + brokers,
		"TXFLOW_STREAM_TRANSACTION_ROWS=200", "TXFLOW_LOG_LEVEL=debug"}}, brokers: brokers, r: rand.New(rand.NewPCG(1, 2))}
	b.OK("topics", "apply")
	var err error
	b.client, err = kgo.NewClient(kgo.SeedBrokers(brokers))
	harness.Must(t, err)
	t.Cleanup(b.client.Close)
	return b
}

// send writes events to events.raw: new ones, duplicates and conflicts of those that were sent before, and invalid
// ones.
func (b *refineBench) send(n int) {
	b.T.Helper()
	var records []*kgo.Record
	for range n {
		e := event.Event{ID: event.NewID(), Correlation: event.NewID(), Form: event.FormSimple, Type: "USER_LOGIN",
			AccountID: "company-1", UserID: "u", Data: fmt.Sprintf(`{"n":"%d"}`, len(b.sent))}
		valid := true
		switch kind := b.r.IntN(20); {
		case kind < 5 && len(b.sent) > 0: // the same again
			e = b.sent[b.r.IntN(len(b.sent))]
			e.Correlation = event.NewID()
		case kind == 5 && len(b.sent) > 0:
			e = b.sent[b.r.IntN(len(b.sent))]
			e.UserID += "-other"
			valid = false
		case kind == 6:
			e.AccountID, valid = "", false
		case kind == 7 && b.gone != "":
			e.UserID = b.gone
		}
		if valid {
			b.sent = append(b.sent, e)
		}
		records = append(records, &kgo.Record{Topic: events.Raw, Key: []byte(e.ID.String()),
			Value: events.AppendRaw(events.AppendHeader(nil, 1), &e)})
	}
	harness.Must(b.T, b.client.ProduceSync(b.T.Context(), records...).FirstErr())
}

// member starts a member of the group; more is its environment.
func (b *refineBench) member(instance string, more ...string) *harness.Process {
	b.T.Helper()
	p := b.Place
	p.Env = append(slices.Clone(p.Env), more...)
	m := p.Start("stream", "refine", "--instance", instance)
	b.members = append(b.members, m)
	return m
}

// read reads what is committed in a topic, up to what is there now.
func (b *refineBench) read(topic string) (records []*kgo.Record) {
	b.T.Helper()
	ends, err := kadm.NewClient(b.client).ListEndOffsets(b.T.Context(), topic)
	harness.Must(b.T, err)
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	reader, err := kgo.NewClient(kgo.SeedBrokers(b.brokers), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	harness.Must(b.T, err)
	defer reader.Close()
	for deadline := time.Now().Add(time.Minute); len(left) > 0; {
		if time.Now().After(deadline) {
			b.T.Fatalf("%s is not read to its end: %v", topic, left)
		}
		reader.PollFetches(b.T.Context()).EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
	return records
}

// drained waits until nothing waits for the group.
func (b *refineBench) drained() {
	b.T.Helper()
	admin := kadm.NewClient(b.client)
	for last, deadline := int64(-1), time.Now().Add(2*time.Minute); ; <-time.After(50 * time.Millisecond) {
		lags, err := admin.Lag(b.T.Context(), events.Group)
		harness.Must(b.T, err)
		left := lags[events.Group].Lag.Total()
		if members := lags[events.Group].Lag[events.Raw]; left == 0 && len(members) > 0 {
			return
		}
		if left != last {
			last, deadline = left, time.Now().Add(2*time.Minute)
		}
		if time.Now().After(deadline) {
			b.T.Fatalf("for two minutes %d events wait", left)
		}
	}
}

// verify checks that every event of events.raw is exactly once in what it must have become, by the log alone. It
// returns how many were refined, rejected and duplicates.
func (b *refineBench) verify() (refined, rejected, duplicates int) {
	b.T.Helper()
	type at struct {
		partition int32
		offset    uint64
	}
	want := map[at]string{}
	type claim struct {
		offset int64
		hash   uint64
	}
	claims := map[string]claim{}
	gone := map[string]bool{} // ids of the forgotten person's events
	raw := b.read(events.Raw)
	slices.SortFunc(raw, func(a, b *kgo.Record) int { return int(a.Offset - b.Offset) })
	for _, r := range raw {
		_, record, _ := events.SplitHeader(r.Value)
		e, err := events.ParseRaw(record)
		harness.Must(b.T, err)
		c, claimed := claims[string(r.Key)]
		switch {
		case e.AccountID == "":
			want[at{r.Partition, uint64(r.Offset)}] = "missing_value"
			rejected++
		case !claimed:
			claims[string(r.Key)] = claim{r.Offset, e.ContentHash()}
			if b.gone != "" && e.UserID == b.gone {
				gone[string(r.Key)] = true
			}
			want[at{r.Partition, uint64(r.Offset)}] = "refined"
			refined++
		case c.hash != e.ContentHash():
			want[at{r.Partition, uint64(r.Offset)}] = fmt.Sprintf("id_conflict: partition %d, offset %d", r.Partition, c.offset)
			rejected++
		default:
			duplicates++
		}
	}
	became := func(place at, what string) {
		if want[place] != what {
			b.T.Errorf("partition %d, offset %d became %s, want %q, once", place.partition, place.offset, what, want[place])
		}
		delete(want, place)
	}
	for _, r := range b.read(events.Silver) {
		var row events.Refined
		harness.Must(b.T, json.Unmarshal(r.Value, &row))
		if r.Partition != row.Partition || string(r.Key) != row.EventID {
			b.T.Errorf("partition %d has %s", r.Partition, r.Value)
		}
		became(at{row.Partition, row.Position}, "refined")
		if row.Erased() != gone[row.EventID] || row.Erased() && (row.UserID != "" || row.AccountID != "" || row.Data != "") {
			b.T.Errorf("of a forgotten person: %v; %s", gone[row.EventID], r.Value)
		}
		if row.Erased() {
			b.erased++
		}
	}
	for _, r := range b.read(events.DeadLetters) {
		var d deadletter.Message
		harness.Must(b.T, json.Unmarshal(r.Value, &d))
		if d.Origin != events.Raw {
			continue // of the collector
		}
		what := d.Code
		if _, first, ok := strings.Cut(d.Message, "counts: "); ok {
			what += ": " + first
		}
		became(at{d.Partition, d.Position}, what)
	}
	if len(want) > 0 {
		b.T.Errorf("%d events are lost: %v", len(want), want)
	}
	return refined, rejected, duplicates
}
