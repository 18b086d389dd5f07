package migrations_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"strings"

	"github.com/txflow/txflow/clickhouse/migrations"
	"github.com/txflow/txflow/stream/events"
)

const silverBeforeGroup = "silver-as-before"

// readSilverTwice has events.silver also read by the Kafka table and the view that did so until migration 50, which
// read
// JSON by its format, and keeps what each makes of the messages.
func (b *bench) readSilverTwice() {
	b.t.Helper()
	reads := func(file string) string {
		content, err := fs.ReadFile(migrations.Stream(), file)
		must(b.t, err)
		sql := strings.NewReplacer("kafka_events_silver_to_arrived", "silver_before_to_arrived", "kafka_events_silver",
			"silver_before", "txflow-clickhouse-events-silver", silverBeforeGroup, "TO arrived_events", "TO arrived_before",
			"Kafka(txflow_kafka)", "Kafka("+b.sql("SELECT name FROM system.named_collections")+")").Replace(string(content))
		return strings.TrimSuffix(strings.TrimSpace(sql), ";")
	}
	for _, table := range []string{"arrived_before", "arrived_now"} {
		b.sql("CREATE TABLE %s AS arrived_events ENGINE = MergeTree ORDER BY (log_partition, log_offset)", table)
	}
	b.sql("CREATE MATERIALIZED VIEW arrived_events_to_now TO arrived_now AS SELECT * FROM arrived_events")
	b.sql("%s", reads("0028_kafka_events_silver.sql"))
	b.sql("%s", reads("0029_kafka_events_silver_to_arrived.sql"))
}

// compareSilver compares both: what is taken is the same in every column; what was refused is refused, with a reason;
// and what is refused only now is not what it says to be. It sends messages at the limits of both, too.
func (b *bench) compareSilver(sent map[at][]byte) {
	b.t.Helper()
	maps.Copy(sent, b.produce(events.Silver, b.oddSilver()...))
	b.drained(eventsSilverGroup, events.Silver)
	b.drained(silverBeforeGroup, events.Silver)
	read := func(table string) map[at][]map[string]*string {
		all := map[at][]map[string]*string{}
		b.rows("SELECT * REPLACE (hex(raw) AS raw) FROM "+table, func(row map[string]*string) {
			partition, _ := strconv.Atoi(*row["log_partition"])
			offset, _ := strconv.ParseInt(*row["log_offset"], 10, 64)
			place := at{int32(partition), offset} //nolint:gosec // small
			all[place] = append(all[place], row)
		})
		return all
	}
	before, now := read("arrived_before"), read("arrived_now")
	for _, table := range []string{"silver_before_to_arrived", "silver_before", "arrived_events_to_now"} {
		b.sql("DROP TABLE %s SYNC", table)
	}
	stricter := 0
	for place, m := range sent {
		was, is := before[place], now[place]
		switch {
		case len(was) == 0 && len(is) == 0 && nothing(bytes.ReplaceAll(m, []byte(" "), nil)):
		case len(is) != 1:
			b.t.Errorf("%d rows of one message, before %d: %.500q", len(is), len(was), m)
		case *is[0]["problem"] != "":
			if raw := upperHex(m); *is[0]["raw"] != raw {
				b.t.Errorf("raw is %.300q, the message was %.300q", *is[0]["raw"], raw)
			}
			if len(was) == 1 && *was[0]["problem"] == "" {
				stricter++
				if whatItSays(m) {
					b.t.Errorf("refused only now, %s: %.1500q", *is[0]["problem"], m)
				}
			}
		case len(was) != 1 || *was[0]["problem"] != "":
			b.t.Errorf("taken only now; before %d rows: %.1500q", len(was), m)
		case !maps.EqualFunc(was[0], is[0], func(a, b *string) bool { return show(a) == show(b) }):
			for column := range is[0] {
				if show(was[0][column]) != show(is[0][column]) {
					b.t.Errorf("%s is %.300q, before %.300q: %.1500q", column, show(is[0][column]), show(was[0][column]), m)
				}
			}
		}
	}
	if len(now) < len(sent)/2 || stricter > len(sent)/4 {
		b.t.Errorf("%d of %d messages were read, %d were taken only before: the test tests little", len(now), len(sent),
			stricter)
	}
}

// whatItSays reports whether a message is one JSON object as the schema has it in the form of its values: every one a
// text, an integer of 64 bits, true or false.
func whatItSays(m []byte) bool {
	fields := decodeStrictly(m)
	if fields == nil || !json.Valid(m) || strings.Contains(string(m), "\ufffd") ||
		strings.ContainsAny(string(m), "\x00") ||
		strings.ToValidUTF8(string(m), "") != string(m) || strings.Contains(string(m), `\ud8`) {
		return false
	}
	d := json.NewDecoder(strings.NewReader(string(m)))
	names, depth := map[string]bool{}, 0
	for isName := false; ; {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
			} else {
				depth--
			}
			isName = depth == 1
		case string:
			if depth == 1 && isName && names[v] {
				return false // twice
			}
			names[v] = names[v] || depth == 1 && isName
			isName = depth == 1 && !isName
		default:
			isName = depth == 1
		}
	}
	for name, value := range fields {
		switch v := value.(type) {
		case json.Number:
			if _, err := strconv.ParseInt(v.String(), 10, 64); err != nil {
				if _, err := strconv.ParseUint(v.String(), 10, 64); err != nil {
					return false
				}
			}
			if v == "-0" {
				return false
			}
		case []any, map[string]any:
			if name != "lost_points" {
				return false
			}
		}
		if strings.ToLower(name) != name { // ClickHouse's format takes names in any case
			return false
		}
	}
	return true
}

// oddSilver are messages at the limits of what the two ways to read them have in common.
func (b *bench) oddSilver() (all [][]byte) {
	for range 3 {
		r := refined(b.rand)
		m := string(encodeRefined(&r))
		field := func(name, value string) string {
			fields := decode([]byte(m))
			fields[name] = json.RawMessage(value)
			return string(encodeAny(fields))
		}
		for _, name := range []string{"position", "timestamp_us", "content_hash", "account_id", "score", "late",
			"lost_points",
			"data", "schema_id"} {
			for _, value := range []string{"5.0", "9007199254740993.0", "1e3", "-0", "-0.0", "007", "18446744073709551615",
				"18446744073709551616", "-9223372036854775808", "-9223372036854775809", "1.50", "null", "true", `"5"`, `" 5"`,
				`"+5"`, `"5.0"`, `"\u0000"`, `"a\u0000b"`, `"\ud83d\ude00"`, `[]`, `[ ]`, `{}`, `[{"rule":"a","points":"0.1"}]`,
				`[{"rule":"a","points":0.1}]`, `[{"points":"0.10","rule":"\ud83d\ude00\u0000\"\\"}]`, `[{"rule":"a"}]`, `"[]"`,
				`"[{\"rule\":\"a\",\"points\":\"1\"}]"`, `[null]`, `[1]`, `"` + strings.Repeat("x", 70_000) + `"`} {
				if json.Valid([]byte(value)) && !(name == "score" && value == "-0") { // which is 0
					all = append(all, []byte(field(name, value)))
				}
			}
			all = append(all, []byte(fmt.Sprintf(`%s,"%s":"1"}`, strings.TrimSuffix(m, "}"), name)), // twice
				[]byte(strings.Replace(m, `"`+name+`":`, `"`+strings.ToUpper(name)+`":`, 1)),
				[]byte(strings.Replace(m, `"`+name+`":`, `"`+name+`" : `, 1)),
				[]byte(strings.Replace(m, `"`+name+`":`, "\"unknown\":{\"a\":[1.5]},\""+name+"\":", 1)))
		}
		all = append(all, []byte(m+m), []byte(m+"\n"+m), []byte(m+"\n"), []byte(" \t\r\n"+m+" "), []byte("["+m+"]"),
			[]byte("["+m+","+m+"]"), []byte(m+","), []byte(strings.ReplaceAll(m, ":", " :\n\t")), nil, []byte(" "),
			[]byte("[ ]"),
			[]byte("\x00"), []byte("\xef\xbb\xbf"+m), []byte(strings.Replace(m, `"form":"`, "\"form\":\"\xff", 1)),
			[]byte(strings.Replace(m, `"form":"`, "\"form\":\"\x01", 1)),
			[]byte(strings.Replace(m, `"form":"`, `"form":"\ud800`, 1)),
			[]byte(strings.Replace(m, `"form":"`, `"form":"\u0000`, 1)))
	}
	return all
}
