package migrations_test

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/stream/events"
)

const (
	eventsRawGroup, eventsSilverGroup = "txflow-clickhouse-events-raw", "txflow-clickhouse-events-silver"
	eventsDeadLettersGroup            = "txflow-clickhouse-events-dead-letters"
)

// eventTopics makes the topics of events. ClickHouse's tables have been waiting for them.
func (b *bench) eventTopics() {
	b.t.Helper()
	for topic, n := range map[string]int32{events.Raw: partitions, events.Silver: partitions, events.DeadLetters: 1} {
		_, err := kadm.NewClient(b.kafka).CreateTopic(b.t.Context(), n, 1, nil, topic)
		must(b.t, err)
	}
}

// testEvents sends what anybody may write to the topics of events.
func (b *bench) testEvents(t *testing.T) {
	b.t = t
	b.readSilverTwice()
	raw := b.produceRaw(2000)
	var silver, garbage, deadLetters, badDeadLetters [][]byte
	var want []events.Refined
	for range 2000 {
		r := refined(b.rand)
		want, silver = append(want, r), append(silver, encodeRefined(&r))
	}
	for range 3000 {
		r := refined(b.rand)
		garbage = append(garbage, spoil(b.rand, encodeRefined(&r)))
	}
	for range 500 {
		deadLetters = append(deadLetters, encode(eventDeadLetter(b.rand)))
		badDeadLetters = append(badDeadLetters, spoil(b.rand, encode(eventDeadLetter(b.rand))))
	}
	all := b.produce(events.Silver, silver...)
	spoiled := b.produce(events.Silver, garbage...)
	b.produce(events.DeadLetters, deadLetters...)
	spoiledDeadLetters := b.produce(events.DeadLetters, badDeadLetters...)
	b.drained(eventsRawGroup, events.Raw)
	b.drained(eventsSilverGroup, events.Silver)
	b.drained(eventsDeadLettersGroup, events.DeadLetters)

	t.Run("raw", func(t *testing.T) { b.t = t; b.checkRaw(raw) })
	t.Run("valid events", func(t *testing.T) { b.t = t; b.checkRefined(want) })
	t.Run("spoiled events", func(t *testing.T) { b.t = t; b.checkSpoiledEvents(spoiled) })
	maps.Copy(all, spoiled)
	t.Run("as before", func(t *testing.T) { b.t = t; b.compareSilver(all) })
	t.Run("dead letters", func(t *testing.T) { b.t = t; b.checkDeadLetters(deadLetters) })
	t.Run("spoiled dead letters",
		func(t *testing.T) { b.t = t; b.checkSpoiledDeadLetters(events.DeadLetters, spoiledDeadLetters) })
	t.Run("the first counts", func(t *testing.T) { b.t = t; b.checkFirst() })
	t.Run("gold", func(t *testing.T) { b.t = t; b.checkGold() })
	b.t = t
}

// produceRaw sends bytes, keys and headers of all kinds.
func (b *bench) produceRaw(n int) map[at]*kgo.Record {
	b.t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		value := make([]byte, pick(b.rand, 1, 5, 300, 70_000/(1+b.rand.IntN(500))))
		for j := range value {
			value[j] = byte(b.rand.IntN(256))
		}
		key := pick(b.rand, []byte(uuid.NewString()), nil, []byte{}, []byte("\xff\x00"), []byte(strings.Repeat("g", 36)),
			[]byte(text(b.rand)))
		r := &kgo.Record{Topic: events.Raw, Key: key, Value: value}
		for range b.rand.IntN(4) {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: pick(b.rand, "txflow-token", "txflow-request", "traceparent", "",
				text(b.rand)), Value: pick(b.rand, []byte(text(b.rand)), []byte{}, []byte("\xff"), nil)})
		}
		records[i] = r
	}
	sent := map[at]*kgo.Record{}
	for _, r := range b.kafka.ProduceSync(b.t.Context(), records...) {
		must(b.t, r.Err)
		sent[at{r.Record.Partition, r.Record.Offset}] = r.Record
	}
	return sent
}

func (b *bench) checkRaw(sent map[at]*kgo.Record) {
	b.t.Helper()
	b.rows("SELECT partition, position, toString(id) AS id, hex(key) AS key, hex(value) AS value, "+
		"toJSONString(arrayMap(h -> [hex(h.name), hex(h.value)], headers)) AS headers, "+
		"hex(token) AS token, recorded_at > '2020-01-01' AS timed FROM events_bronze FINAL", func(row map[string]*string) {
		partition, _ := strconv.Atoi(*row["partition"])
		offset, _ := strconv.ParseInt(*row["position"], 10, 64)
		place := at{int32(partition), offset}
		r := sent[place]
		delete(sent, place)
		if r == nil {
			b.t.Errorf("nobody sent %v, or it is there twice", place)
			return
		}
		id, token, headers := uuid.Nil, "", [][2]string{}
		if parsed, err := uuid.ParseBytes(r.Key); err == nil && len(r.Key) == 36 {
			id = parsed
		}
		for _, h := range r.Headers {
			name, _, _ := strings.Cut(h.Key, "\x00") // librdkafka's names of headers end there
			if headers = append(headers, [2]string{upperHex([]byte(name)), upperHex(h.Value)}); name == "txflow-token" &&
				!slices.ContainsFunc(headers[:len(headers)-1], isToken) {
				token = upperHex(h.Value)
			}
		}
		for name, want := range map[string]string{"id": id.String(), "key": upperHex(r.Key), "value": upperHex(r.Value),
			"headers": string(encodeAny(headers)), "token": token, "timed": "1"} {
			if *row[name] != want {
				b.t.Errorf("%s of %v is %.200q, want %.200q", name, place, *row[name], want)
			}
		}
	})
	for place := range sent {
		b.t.Errorf("%v is lost", place)
	}
}

func isToken(header [2]string) bool { return header[0] == upperHex([]byte("txflow-token")) }

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func eventDeadLetter(r *rand.Rand) map[string]any {
	d := validDeadLetter(r)
	d["pipeline"], d["origin"], d["code"] = events.Ledger, pick(r, events.Raw, events.Collector), "type"
	return d
}

// checkFirst has the row of an id stay the one that was published first, whenever it comes, and its later judgement
// win.
func (b *bench) checkFirst() {
	first := refined(b.rand)
	first.PublishedUS, first.ProcessedUS, first.Partition, first.Type = 1_700_000_000_000_000, 1_700_000_001_000_000, 1,
		"first"
	other := func(change func(*events.Refined)) []byte {
		r := first
		r.Type = "other"
		change(&r)
		return encodeRefined(&r)
	}
	judgedAgain := other(func(r *events.Refined) { r.ProcessedUS++; r.Type = "judged again" })
	for _, order := range [][][]byte{
		{encodeRefined(&first), other(func(r *events.Refined) { r.PublishedUS++ }),
			other(func(r *events.Refined) { r.Position++; r.ProcessedUS += 5 }),
			other(func(r *events.Refined) { r.Partition++; r.Position = 0 }),
			other(func(r *events.Refined) { r.PublishedUS += 40_000_000_000_000 })},
		{judgedAgain, encodeRefined(&first)}, // delivered again
	} {
		for _, m := range order {
			b.produce(events.Silver, m)
			b.drained(eventsSilverGroup, events.Silver)
		}
		want := map[bool]string{true: "first", false: "judged again"}[len(order) > 2]
		if got := b.sql("SELECT type FROM events FINAL WHERE event_id = '%s'", first.EventID); got != want {
			b.t.Errorf("the row of the id is %q, want %q", got, want)
		}
	}
}

// checkGold compares the views with what the table says by itself, and has a summary by the event's own hour.
func (b *bench) checkGold() {
	first := refined(b.rand)
	first.AccountID, first.Type, first.Context, first.Score, first.TimestampUS = "gold", "T", "billing", "0.8", -1
	for i := range int64(3) {
		r := first
		r.EventID, r.Position, r.UserID = uuid.NewString(), position(b.rand), fmt.Sprint(i%2)
		if i == 2 {
			r.TimestampUS, r.Score = 0, "0.5"
		}
		b.produce(events.Silver, encodeRefined(&r), encodeRefined(&r)) // delivered twice
	}
	b.drained(eventsSilverGroup, events.Silver)
	for query, want := range map[string]string{
		"SELECT hour, events, users, average_score FROM events_summary " +
			"WHERE account_id = 'gold' ORDER BY hour": "1969-12-31 23:00:00.000000\t2\t2\t0.8\n" +
			"1970-01-01 00:00:00.000000\t1\t1\t0.5",
		"SELECT events, users, types, contexts, excellent, good, fair, poor FROM company_analytics " +
			"WHERE account_id = 'gold'": "3\t2\t1\t['billing']\t0\t2\t1\t0",
		"SELECT events, accounts, users, good, fair FROM event_type_summary " +
			"WHERE type = 'T' AND context = 'billing'": "3\t1\t2\t2\t1",
		"SELECT (SELECT sum(events) FROM events_summary) = c AND (SELECT sum(events) FROM company_analytics) = c " +
			"AND (SELECT sum(events) FROM event_type_summary) = c FROM (SELECT count() AS c FROM events FINAL)": "1",
	} {
		if got := b.sql("%s", query); got != want {
			b.t.Errorf("%s\ngives %q, want %q", query, got, want)
		}
	}
}
