package migrations_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/transaction"
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
		return strings.Contains(b.sql("SELECT toString(exceptions.text) FROM system.kafka_consumers WHERE table = 'kafka_classified'"), "overflow")
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

const everyColumn = `SELECT * EXCEPT (inserted_at) REPLACE (toDecimalString(amount, 4) AS amount, toUInt8(sampled) AS sampled) FROM transactions FINAL`

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
	missing := b.sql(`SELECT t.id FROM transactions AS t LEFT JOIN (SELECT *, 1 AS there FROM outcomes FINAL WHERE outcome = 'stored') AS o
ON t.id = o.id AND t.position = o.position AND t.version = o.version AND t.classified_at = o.classified_at AND o.log_id = if(t.pipeline = 'batch', '', t.origin_digest)
WHERE o.there = 0 AND toString(t.position) NOT IN ('%s')`, strings.Join(spoiledPositions, "', '"))
	if missing != "" {
		const key = "id, pipeline, run_id, origin, partition, position, origin_digest, version, classified_at"
		ids := strings.Join(strings.Fields(missing), "', '")
		b.t.Errorf("rows have no entry in the ledger:\n%.3000s\nthe ledger:\n%.3000s",
			b.sql("SELECT %s FROM transactions WHERE id IN ('%s')", key, ids),
			b.sql("SELECT %s, log_id, outcome FROM outcomes WHERE position IN (SELECT position FROM transactions WHERE id IN ('%s'))", key, ids))
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
	b.rows("SELECT partition, position, column, hex(raw) AS raw, code, message, origin_digest, toString(first_seen = fromUnixTimestamp64Milli(toInt64(origin_digest))) AS timed,"+
		" toString(outcome) AS outcome FROM dead_letters FINAL WHERE run_id = 'clickhouse' AND origin = '"+topic+"'",
		func(row map[string]*string) {
			partition, _ := strconv.Atoi(*row["partition"])
			offset, _ := strconv.ParseInt(*row["position"], 10, 64)
			place := at{int32(partition), offset} //nolint:gosec // small
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
	if got := b.sql("SELECT count() FROM outcomes FINAL WHERE run_id = 'clickhouse' AND origin = '%s' AND outcome = 'dead_letter' AND log_id = origin_digest", topic); got != fmt.Sprint(len(dead)) {
		b.t.Errorf("the ledger has %s dead letters of %s, want %d", got, topic, len(dead))
	}
	if len(dead) < len(sent)/4 || len(dead) == len(sent) {
		b.t.Errorf("%d of %d spoiled messages are dead letters: the test tests little", len(dead), len(sent))
	}
	return dead
}

const everyDeadLetter = `SELECT * EXCEPT (raw, key, headers, first_seen, updated_at) REPLACE (toString(outcome) AS outcome), hex(raw) AS raw, first_seen AS at,
hex(key) AS key, arrayStringConcat(arrayMap(h -> concat(hex(h.name), '=', ifNull(hex(h.value), 'NULL')), headers), ' ') AS headers FROM dead_letters FINAL
WHERE run_id != 'clickhouse'`

func (b *bench) checkDeadLetters(sent [][]byte) {
	b.t.Helper()
	want := map[string]map[string]any{}
	for _, m := range sent {
		fields := decode(m)
		want[fields["id"].(string)] = fields
	}
	b.rows(everyDeadLetter, func(row map[string]*string) {
		fields := want[*row["id"]]
		if fields == nil {
			return // of a spoiled message
		}
		delete(want, *row["id"])
		b.sameDeadLetter(row, fields)
		if *row["state"] != "open" {
			b.t.Errorf("a new dead letter is %s", *row["state"])
		}
	})
	for id, fields := range want {
		b.t.Errorf("the dead letter %s is lost: %.300v", id, fields)
	}
}

// hexOf is a text in Base64 as ClickHouse's hex has it.
func hexOf(text string) string {
	raw, _ := base64.StdEncoding.DecodeString(text)
	return strings.ToUpper(hex.EncodeToString(raw))
}

// keyAndHeaders are those of a message as everyDeadLetter has them.
func keyAndHeaders(fields map[string]any) (string, bool) {
	key, ok := fields["key"].(string)
	named, isList := fields["headers"].([]any)
	if fields["headers"] == nil { // of an older release
		id, ok := fields["source_id"].(string)
		return strings.ToUpper(hex.EncodeToString([]byte(id))) + " ", ok && !strings.Contains(id, "\ufffd")
	}
	if !isList || !ok && fields["key"] != nil {
		return "", false // of a spoiled message
	}
	all := "NULL"
	if ok {
		all = hexOf(key)
	}
	for _, h := range named {
		header, _ := h.(map[string]any)
		name, _ := header["name"].(string)
		if all += " " + hexOf(name) + "="; header["value"] == nil {
			all += "NULL"
		} else {
			value, _ := header["value"].(string)
			all += hexOf(value)
		}
	}
	return all, true
}

func (b *bench) sameDeadLetter(row map[string]*string, fields map[string]any) {
	b.t.Helper()
	stored := strings.TrimSuffix(show(row["key"])+" "+show(row["headers"]), " ")
	if want, ok := keyAndHeaders(fields); ok && stored != strings.TrimSuffix(want, " ") {
		b.t.Errorf("key and headers of a dead letter are %.300q, the message says %.300q", stored, want)
	}
	for name, value := range fields {
		want, ok := plain(value)
		switch name {
		case "raw":
			want = hexOf(want)
		case "key", "headers":
			continue
		case "version_us":
			name = "version"
			if us, err := strconv.ParseInt(want, 10, 64); err == nil && us > lastMicro {
				ok = false // ClickHouse writes no year of more than four digits
			} else if err == nil && us != 0 {
				want = micro(time.UnixMicro(max(us, 0)))
			} else {
				want, _ = plain(fields["at"])
			}
		}
		if ok && row[name] != nil && !same(name, *row[name], want) {
			b.t.Errorf("%s of a dead letter is %.200q, the message says %.200q", name, *row[name], want)
		}
		if row[name] == nil && name != "unknown" {
			if _, known := row[name]; known {
				b.t.Errorf("%s of a dead letter is NULL", name)
			}
		}
	}
}

func (b *bench) checkSpoiledDeadLetters(topic string, sent map[at][]byte) {
	b.t.Helper()
	dead := b.unreadable(topic, sent)
	stored := map[string]map[string]*string{}
	b.rows(everyDeadLetter, func(row map[string]*string) { stored[*row["position"]] = row })
	for place, m := range sent {
		fields := decode(m)
		if dead[place] || nothing(m) {
			continue
		}
		position, _ := plain(fields["position"])
		if found := positionOf.FindSubmatch(m); fields["position"] == nil && found != nil {
			position = string(found[1]) // no JSON, which ClickHouse reads all the same: it takes any escape in a text
		}
		row := stored[plainNumber(position)]
		if row == nil {
			b.t.Errorf("neither stored nor a dead letter: %.1500q", m)
			continue
		}
		id, _ := fields["id"].(string) // a spoiled digit may make it another message's position
		if strict := decodeStrictly(m); strict != nil && !slices.Contains(spoiledPositions, plainNumber(position)) &&
			strings.ToLower(id) == *row["id"] {
			b.sameDeadLetter(row, strict)
		}
	}
}

// spoiledPositions are all positions that wild gives, each to many messages, of which the tables keep one.
var spoiledPositions = []string{"0", "1", "999999999999999", "9223372036854775807", "18446744073709551615"}

// testBrokers has ClickHouse told of the brokers while its tables are detached, as an earlier try may have left them.
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
	if got := b.sql("SELECT count() FROM system.tables WHERE database = currentDatabase() AND engine = 'Kafka'"); got != "5" {
		b.t.Errorf("%s Kafka tables are there, want 5", got)
	}
}

// nothing reports whether a message holds no row at all.
func nothing(m []byte) bool {
	text := strings.Trim(string(m), " \t\r\n")
	return text == "" || text == "[]"
}

// plain is a value as ClickHouse's text columns read it; false for what has no one form.
func plain(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, !strings.Contains(v, "\ufffd")
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// same compares a stored value with the message's.
func same(name, stored, want string) bool {
	switch name {
	case "amount":
		whole, fraction, _ := strings.Cut(want, ".")
		want = whole + "." + (fraction + "0000")[:4]
		return stored == want || strings.TrimPrefix(want, "-") == "0.0000" && stored == "0.0000" ||
			trimZeros(stored) == trimZeros(want)
	case "id":
		want = strings.ToLower(want)
	case "position", "content_hash", "attempt", "replays", "partition":
		want = plainNumber(want)
	}
	return stored == want
}

// plainNumber is a number without a plus sign, which a text may have.
func plainNumber(s string) string { return strings.TrimPrefix(s, "+") }

// trimZeros drops zeros in front: a message may have them.
func trimZeros(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	return sign + strings.TrimLeft(s, "0")
}

func fixed(a transaction.Amount) string {
	whole, fraction, _ := strings.Cut(a.String(), ".")
	return whole + "." + (fraction + "0000")[:4]
}

func show(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}

func describe(row map[string]*string) (out []string) {
	for name, value := range row {
		out = append(out, name+"="+show(value))
	}
	return out
}
