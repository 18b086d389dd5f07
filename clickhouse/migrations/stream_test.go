package migrations_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/google/uuid"
)

const layout = "2006-01-02 15:04:05.000000"

var (
	// ClickHouse takes names of fields in any case.
	idOf       = regexp.MustCompile(`(?i)"id":"([0-9a-fA-F-]{36})"`)
	positionOf = regexp.MustCompile(`(?i)"position":([0-9]+)`)
)

// lastMicro is the end of the year 9999.
const lastMicro = 253402300799999999

func micro(t time.Time) string { return t.UTC().Format(layout) }

// TestWhatKafkaHoldsIsStored takes what anybody may write to the topics through ClickHouse's Kafka tables: nothing
// stops them, nothing is lost, doubled or changed. It begins with an installation of the first release that one message
// stopped.
func TestWhatKafkaHoldsIsStored(t *testing.T) {
	b := newBench(t)
	b.firstRelease()

	var rows []ledger.Classified
	var infos []ledger.RunInfo
	valid := func(n int) (messages [][]byte) {
		for range n {
			m, row, info := validMessage(b.rand)
			messages, rows, infos = append(messages, m), append(rows, row), append(infos, info)
		}
		return messages
	}
	stuck := valid(10)
	for i := range partitions { // the first message of each: the first release stores none of the others
		stuck[i] = []byte(strings.Replace(string(stuck[i]), `"amount":"`+rows[i].Transaction.Amount.String()+`"`,
			`"amount":"92233720368.5478"`, 1))
		rows[i].Transaction.Amount = 922_337_203_685_478
	}
	b.produce(classifiedTopic, stuck...)
	b.until("the first release is stopped by an amount", func() bool {
		return strings.Contains(b.sql("SELECT toString(exceptions.text) FROM system.kafka_consumers WHERE table = "+
			"'kafka_classified'"), "overflow")
	})
	b.upgrade()
	b.eventTopics()

	b.produce(classifiedTopic, valid(2000)...)
	var garbage, deadLetters, badDeadLetters [][]byte
	for range 3000 {
		m, _, _ := validMessage(b.rand)
		garbage = append(garbage, spoil(b.rand, m))
		badDeadLetters = append(badDeadLetters, spoil(b.rand, encode(validDeadLetter(b.rand))))
	}
	for range 1000 {
		deadLetters = append(deadLetters, encode(validDeadLetter(b.rand)))
	}
	spoiled := b.produce(classifiedTopic, garbage...)
	b.produce(deadLettersTopic, deadLetters...)
	spoiledDeadLetters := b.produce(deadLettersTopic, badDeadLetters...)
	b.drained(classifiedGroup, classifiedTopic)
	b.drained(deadLettersGroup, deadLettersTopic)

	t.Run("valid rows", func(t *testing.T) { b.t = t; b.checkRows(rows, infos) })
	t.Run("spoiled rows", func(t *testing.T) { b.t = t; b.checkSpoiled(spoiled) })
	t.Run("valid dead letters", func(t *testing.T) { b.t = t; b.checkDeadLetters(deadLetters) })
	t.Run("spoiled dead letters",
		func(t *testing.T) { b.t = t; b.checkSpoiledDeadLetters(deadLettersTopic, spoiledDeadLetters) })
	t.Run("events", b.testEvents)
	b.t = t
	failed := "SELECT groupArrayArray(exceptions.text) AS t FROM system.kafka_consumers"
	if got := b.sql("SELECT arrayFilter(text -> NOT startsWith(text, 'Broker: Unknown topic or partition'), t) FROM (%s)",
		failed); got != "[]" { // before the topics of events
		t.Errorf("the Kafka tables failed: %s", got)
	}
	b.testBrokers()
}

const everyColumn = `SELECT * EXCEPT (inserted_at) REPLACE (toDecimalString(amount, 4) AS amount,
toUInt8(sampled) AS sampled) FROM transactions FINAL`

func (b *bench) checkRows(rows []ledger.Classified, infos []ledger.RunInfo) {
	b.t.Helper()
	want := map[string]map[string]string{}
	for i := range rows {
		r, info := &rows[i], &infos[i]
		version := r.Version
		if version == 0 || !strings.Contains(string(appendMessage(r, info)), `"version_us"`) {
			version = r.Call.AnsweredAt.UnixMicro()
		}
		want[r.Transaction.ID.String()] = map[string]string{"source": info.Source, "source_id": r.Transaction.SourceID,
			"description": r.Transaction.Description,
			"amount":      fixed(r.Transaction.Amount), "timestamp": micro(r.Transaction.Timestamp),
			"operation_type": r.Transaction.OperationType,
			"side":           r.Transaction.Side.String(), "category": r.Category.String(), "model_version": r.Call.Model,
			"classified_at": micro(r.Call.AnsweredAt),
			"version":       micro(time.UnixMicro(version)), "pipeline": info.Pipeline, "run_id": info.RunID, "task_try": "0",
			"origin":        r.Origin.Origin,
			"origin_digest": r.Origin.Digest, "partition": fmt.Sprint(r.Origin.Partition),
			"position": fmt.Sprint(r.Origin.Position), "chunk": "",
			"content_hash": fmt.Sprint(r.ContentHash), "attempt": fmt.Sprint(r.Call.Attempt), "trace_id": r.Call.TraceID,
			"span_id": r.Call.SpanID,
			"sampled": map[bool]string{true: "1", false: "0"}[r.Call.Sampled], "origin_trace_id": info.OriginTraceID}
		if r.Transaction.HasMerchant {
			want[r.Transaction.ID.String()]["merchant"] = r.Transaction.Merchant
		}
	}
	b.rows(everyColumn, func(row map[string]*string) {
		id := *row["id"]
		fields := want[id]
		if fields == nil {
			return // of a spoiled message
		}
		delete(want, id)
		delete(row, "id")
		for name, value := range row {
			if wanted, ok := fields[name]; ok != (value != nil) || ok && *value != wanted {
				b.t.Errorf("%s of %s is %.200q, want %.200q", name, id, show(value), wanted)
			}
		}
		if len(row) != 26 {
			b.t.Fatalf("%d columns are compared, want 26", len(row))
		}
	})
	for id, fields := range want {
		b.t.Errorf("%s is not stored: %.300v", id, fields)
	}
	if got := b.sql("SELECT count() = uniqExact(id), uniqExact(id) >= %d FROM transactions FINAL",
		len(rows)); got != "1\t1" {
		b.t.Errorf("ids are doubled or missing: %s", got)
	}
	missing := b.sql(`SELECT t.id FROM transactions AS t LEFT JOIN (SELECT *, 1 AS there FROM outcomes FINAL
WHERE outcome = 'stored') AS o
ON t.id = o.id AND t.position = o.position AND t.version = o.version AND t.classified_at = o.classified_at
AND o.log_id = if(t.pipeline = 'batch', '', t.origin_digest)
WHERE o.there = 0 AND toString(t.position) NOT IN ('%s')`, strings.Join(spoiledPositions, "', '"))
	if missing != "" {
		const key = "id, pipeline, run_id, origin, partition, position, origin_digest, version, classified_at"
		ids := strings.Join(strings.Fields(missing), "', '")
		b.t.Errorf("rows have no entry in the ledger:\n%.3000s\nthe ledger:\n%.3000s",
			b.sql("SELECT %s FROM transactions WHERE id IN ('%s')", key, ids),
			b.sql("SELECT %s, log_id, outcome FROM outcomes WHERE position IN (SELECT position FROM transactions WHERE id IN "+
				"('%s'))", key, ids))
	}
}

// checkSpoiled wants each message to be a dead letter or to be stored as it says, and not both.
func (b *bench) checkSpoiled(sent map[at][]byte) {
	b.t.Helper()
	dead := b.unreadable(classifiedTopic, sent)
	ids := map[string]at{}
	for place, m := range sent {
		fields := decode(m)
		if id, ok := fields["id"].(string); ok && !dead[place] {
			if len(id) == 36 {
				ids[strings.ToLower(id)] = place
			}
		} else if ok && len(id) == 36 {
			ids[strings.ToLower(id)] = at{-1, 0}
		} else if !dead[place] && !nothing(m) {
			if found := idOf.FindSubmatch(m); found != nil {
				ids[strings.ToLower(string(found[1]))] = place // no JSON, which ClickHouse reads all the same
			} else {
				b.t.Errorf("a message without an id is no dead letter: %.300q", m)
			}
		}
	}
	stored := map[string]bool{}
	b.rows(everyColumn, func(row map[string]*string) {
		id := *row["id"]
		place, ok := ids[id]
		if !ok {
			return
		}
		if place.partition < 0 {
			b.t.Errorf("%s is stored and a dead letter", id)
			return
		}
		stored[id] = true
		if id == uuid.Nil.String() {
			return // spoil gives it to many messages, of which one wins
		}
		for name, value := range decodeStrictly(sent[place]) {
			if want, ok := plain(value); ok && row[name] != nil && !same(name, *row[name], want) {
				b.t.Errorf("%s is stored as %.200q, the message says %.200q", name, *row[name], want)
			}
		}
	})
	for id, place := range ids {
		if place.partition >= 0 && !stored[id] {
			b.t.Errorf("neither stored nor a dead letter: %.300q", sent[place])
		}
	}
}

// unreadable returns which messages of a topic are dead letters of ClickHouse's, and checks what those say.
func (b *bench) unreadable(topic string, sent map[at][]byte) map[at]bool {
	b.t.Helper()
	dead := map[at]bool{}
	b.rows("SELECT partition, position, column, hex(raw) AS raw, code, message, origin_digest, toString(first_seen = "+
		"fromUnixTimestamp64Milli(toInt64(origin_digest))) AS timed,"+
		" toString(outcome) AS outcome FROM dead_letters FINAL WHERE run_id = 'clickhouse' AND origin = '"+topic+"'",
		func(row map[string]*string) {
			partition, _ := strconv.Atoi(*row["partition"])
			offset, _ := strconv.ParseInt(*row["position"], 10, 64)
			place := at{int32(partition), offset}
			m, ok := sent[place]
			if !ok {
				b.t.Errorf("a valid message is a dead letter: %v", describe(row))
				return
			}
			dead[place] = true
			raw, err := hex.DecodeString(*row["raw"])
			must(b.t, err)
			if *row["column"] == "" && string(raw) != string(m) {
				b.t.Errorf("raw is %.200q, the message was %.200q", raw, m)
			}
			if *row["column"] != "" && !json.Valid(raw) || *row["message"] == "" || *row["code"] != "unreadable" ||
				*row["outcome"] != "dead_letter" || *row["timed"] != "1" {
				b.t.Errorf("%.500v", describe(row))
			}
		})
	if got := b.sql("SELECT count() FROM outcomes FINAL WHERE run_id = 'clickhouse' AND origin = '%s' AND outcome = "+
		"'dead_letter' AND log_id = origin_digest", topic); got != fmt.Sprint(len(dead)) {
		b.t.Errorf("the ledger has %s dead letters of %s, want %d", got, topic, len(dead))
	}
	if len(dead) < len(sent)/4 || len(dead) == len(sent) {
		b.t.Errorf("%d of %d spoiled messages are dead letters: the test tests little", len(dead), len(sent))
	}
	return dead
}

// spoiledPositions are all positions that wild gives, each to many messages, of which the tables keep one.
var spoiledPositions = []string{"0", "1", "999999999999999", "9223372036854775807", "18446744073709551615"}

// testBrokers informs ClickHouse of the brokers while its tables are detached, as an earlier try may have left them.
func (b *bench) testBrokers() {
	b.t.Helper()
	b.sql("DETACH TABLE kafka_classified")
	b.sql("DETACH TABLE kafka_dead_letters")
	for _, want := range []int{3, 5} { // those that were detached have the brokers; the next time they are old
		old, err := b.db.SetBrokers(b.t.Context(), b.brokers, nil)
		must(b.t, err)
		tables, err := b.db.Reattach(b.t.Context(), old)
		must(b.t, err)
		if len(tables) != want {
			b.t.Errorf("%v are attached again, want %d", tables, want)
		}
	}
	if got := b.sql("SELECT count() FROM system.tables WHERE database = currentDatabase() " +
		"AND engine = 'Kafka'"); got != "5" {
		b.t.Errorf("%s Kafka tables are there, want 5", got)
	}
}
