package migrations_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/txflow/txflow/stream/events"
)

func encodeAny(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("plain data: %v", err))
	}
	return b
}

// refined is an event of the stream with any content.
func refined(r *rand.Rand) events.Refined {
	us := func() int64 {
		return pick(r, 0, -1, 1, 1_700_000_000_123_456, moment(r).UnixMicro(), -62135596800000000, lastMicro)
	}
	e := events.Refined{PackageIndex: pick(r, 0, 1, int32(math.MaxInt32), math.MinInt32), TimestampUS: us(),
		Late: r.IntN(2) > 0, Future: r.IntN(2) > 0,
		ReceivedUS: us(), PublishedUS: pick(r, 946684800000000, 4102444799999999, 1_700_000_000_000_000+r.Int64N(1e15)),
		ProcessedUS: us(),
		SchemaID:    pick(r, 1, int32(math.MaxInt32)), Partition: pick(r, 0, 2, int32(math.MaxInt32)), Position: position(r),
		ContentHash: pick(r, 0, math.MaxUint64, r.Uint64()),
		LostPoints: pick(r, nil, []events.Lost{}, []events.Lost{{Rule: text(r), Points: "0.1"}},
			[]events.Lost{{Rule: "a", Points: "1"}, {Rule: text(r), Points: "0.0001"}})}
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String {
			f.SetString(text(r))
		}
	}
	e.EventID, e.CorrelationID = uuid.NewString(), uuid.NewString()
	e.TimestampSource, e.Score = pick(r, "sender", "broker"), pick(r, "0", "1", "1.0", "0.9", "0.0001", "0.1234")
	e.Data = pick(r, "", "{}", `{"id":"123","amount":100.50}`, `{"a":1e999}`, `{"a":12345678901234567890123}`,
		`{"a":1,"a":2}`, `{"a":{"b":1},"a.b":2}`, `{"":{"":null}}`,
		`[1,{"a":[]}]`, `{"a":`+strings.Repeat("[", 2000)+strings.Repeat("]", 2000)+"}", `{"a":"\ud800"}`,
		`{"a":[1,"x",{"b":true},[null]]}`, text(r))
	if r.IntN(200) == 0 { // more keys than the type keeps as columns
		var many []string
		for i := range 3000 {
			many = append(many, fmt.Sprintf(`"k%d":%d`, i, i))
		}
		e.Data = "{" + strings.Join(many, ",") + "}"
	}
	e.Origin = events.Raw
	return e
}

func encodeRefined(r *events.Refined) []byte { return encodeAny(r) }

func (b *bench) checkRefined(sent []events.Refined) {
	b.t.Helper()
	want := map[string]*events.Refined{}
	for i := range sent {
		want[sent[i].EventID] = &sent[i]
	}
	columns := map[string]string{"AccountID": "new_context_account_id", "UserID": "new_context_user_id",
		"MessageID": "message_id_stamp", "Data": "data_verbatim",
		"TimestampUS": "timestamp_stamp", "ReceivedUS": "received_at", "PublishedUS": "published_at",
		"ProcessedUS": "processed_at"}
	b.rows("SELECT * EXCEPT (inserted_at, data) REPLACE (toUInt8(late) AS late, toUInt8(future) AS future, "+
		"toDecimalString(score, 4) AS score, toString(event_id) AS event_id, "+
		"toString(correlation_id) AS correlation_id, toJSONString(arrayMap(l -> [hex(l.rule), toDecimalString(l.points, "+
		"4)], lost_points)) AS lost_points) FROM events FINAL", func(row map[string]*string) {
		r := want[*row["event_id"]]
		if r == nil {
			return // of a spoiled message
		}
		delete(want, r.EventID)
		v := reflect.ValueOf(r).Elem()
		for i := range v.NumField() {
			field := v.Type().Field(i)
			column := columns[field.Name]
			if column == "" {
				column, _, _ = strings.Cut(field.Tag.Get("json"), ",")
			}
			if row[column] == nil || *row[column] != asColumn(v.Field(i).Interface(), field.Name) {
				b.t.Errorf("%s of %s is %.200q, want %.200q", column, r.EventID, show(row[column]),
					asColumn(v.Field(i).Interface(), field.Name))
			}
			delete(row, column)
		}
		if len(row) != 0 {
			b.t.Fatalf("nobody compares %v", row)
		}
	})
	for id := range want {
		b.t.Errorf("%s is not stored", id)
	}
	if got := b.sql("SELECT count() FROM events AS e FINAL LEFT ANTI JOIN (SELECT id FROM outcomes FINAL WHERE pipeline " +
		"= 'events' AND outcome = 'stored') AS o ON e.event_id = o.id"); got != "0" {
		b.t.Errorf("%s events have no entry in the ledger", got)
	}
}

// asColumn is a field as ClickHouse writes its column.
func asColumn(value any, name string) string {
	switch v := value.(type) {
	case bool:
		return map[bool]string{true: "1", false: "0"}[v]
	case []events.Lost:
		lost := [][]string{}
		for _, l := range v {
			lost = append(lost, []string{upperHex([]byte(l.Rule)), fourDigits(l.Points)})
		}
		return string(encodeAny(lost))
	case int64:
		return micro(time.UnixMicro(v))
	case string:
		if name == "Score" {
			return fourDigits(v)
		}
		return strings.ToValidUTF8(v, "\ufffd")
	}
	return fmt.Sprint(value)
}

func fourDigits(s string) string {
	whole, fraction, _ := strings.Cut(s, ".")
	return whole + "." + (fraction + "0000")[:4]
}

// checkSpoiledEvents wants each message to be a dead letter or to be stored, and not both.
func (b *bench) checkSpoiledEvents(sent map[at][]byte) {
	b.t.Helper()
	dead := b.unreadable(events.Silver, sent)
	stored := map[string]bool{}
	b.rows("SELECT toString(position) AS position FROM outcomes FINAL WHERE pipeline = 'events' AND outcome = 'stored'",
		func(row map[string]*string) { stored[*row["position"]] = true })
	for place, m := range sent {
		fields := decode(m)
		position, _ := plain(fields["position"])
		if found := positionOf.FindSubmatch(m); fields["position"] == nil && found != nil {
			position = string(found[1])
		}
		if is := stored[plainNumber(position)]; !nothing(m) && is == dead[place] &&
			!(is && slices.Contains(spoiledPositions, plainNumber(position))) {
			b.t.Errorf("stored %t, dead letter %t: %.1500q", is, dead[place], m)
		}
	}
}
