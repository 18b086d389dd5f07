package schemas

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/txflow/txflow/clickhouse/migrations"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/topics"
)

// whole is an integer of so many bits as a schema has it.
func whole(minimum, maximum string) string {
	return "type integer, minimum " + minimum + ", maximum " + maximum
}

// columnTypes says how a schema writes what a column holds.
var columnTypes = map[string]string{
	"String":           "type string",
	"Nullable(String)": "type [string null]",
	"UUID": "type string, pattern " +
		"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
	"Decimal(18, 4)": `type string, pattern ^-?[0-9]+(\.[0-9]{1,4})?$`,
	"DateTime64(6, 'UTC')": `type string, pattern ^[0-9]{4}-[0-9]{2}-[0-9]{2} ` +
		`[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}$`,
	"UInt8":                                 "type string", // debit or credit
	"UInt16":                                whole("0", "65535"),
	"UInt64":                                whole("0", "18446744073709551615"),
	"Int32":                                 whole("-2147483648", "2147483647"),
	"Int64":                                 whole("-9223372036854775808", "9223372036854775807"),
	"LowCardinality(String), a JSON object": "type object",
	"Bool":                                  "type boolean",
	"Decimal(9, 4)":                         `type string, pattern ^(0(\.[0-9]{1,4})?|1(\.0{1,4})?)$`,
	"Array(Tuple(rule String, points Decimal(9, 4)))":   "type [array null]",
	"Array(Tuple(name String, value Nullable(String)))": "type array",
}

// text reports whether a column takes any text.
func text(column string) bool { return column == "String" || column == "Nullable(String)" }

// columnsOf reads the columns of a table, or those that it gets, from a migration.
func columnsOf(t *testing.T, file string) (columns map[string]string, sql string) {
	t.Helper()
	content, err := fs.ReadFile(migrations.Stream(), file)
	if err != nil {
		t.Fatal(err)
	}
	sql = string(content)
	columns = map[string]string{}
	if _, fields, ok := strings.Cut(sql, "JSONExtract(k.value, 'Tuple("); ok { // a Kafka table of whole messages
		fields, _, _ = strings.Cut(fields, ")')")
		for field := range strings.SplitSeq(fields, ",") {
			name, kind, _ := strings.Cut(strings.Join(strings.Fields(field), " "), " ")
			columns[name] = kind
		}
		return columns, sql
	}
	pattern := regexp.MustCompile(`(?m)^    (?:ADD COLUMN IF NOT EXISTS )?([a-z_]+) +(\S.*?)( COMMENT '.*')?[,;]?$`)
	table, _, _ := strings.Cut(sql, "ENGINE")
	for _, m := range pattern.FindAllStringSubmatch(table, -1) {
		columns[m[1]] = m[2]
	}
	return columns, sql
}

// kafkaTables are those of whole messages, which their views take apart.
var kafkaTables = map[string]string{events.Silver: "kafka_events_silver AS k"}

// TestColumns compares the schemas with what reads the topics, a Kafka table or its view, which has the same names and
// takes any
// text, and with the tables after them, whose types hold what a schema allows.
func TestColumns(t *testing.T) {
	t.Parallel()
	subjects := all(t)
	for topic, files := range map[string][]string{
		topics.Classified: {"0013_kafka_classified.sql", "0010_arrived_classified.sql"},
		topics.DeadLetters: {"0044_kafka_dead_letters.sql", "0018_arrived_dead_letters.sql",
			"0040_arrived_dead_letters_key.sql"},
		events.Silver: {"0053_kafka_events_silver_to_arrived.sql", "0025_arrived_events.sql"},
		events.DeadLetters: {"0048_kafka_events_dead_letters.sql", "0018_arrived_dead_letters.sql",
			"0040_arrived_dead_letters_key.sql"},
	} {
		columns, sql := columnsOf(t, files[0])
		if !strings.Contains(sql, "kafka_topic_list = '"+topic+"'") && !strings.Contains(sql, "FROM "+kafkaTables[topic]) {
			t.Fatalf("%s does not read %s", files[0], topic)
		}
		arrived := map[string]string{}
		for _, file := range files[1:] {
			some, _ := columnsOf(t, file)
			maps.Copy(arrived, some)
		}
		s := subjects[topic]
		schema, err := parse(s.Latest())
		if err != nil {
			t.Fatal(err)
		}
		fields := object(schema["properties"])
		if has, want := slices.Sorted(maps.Keys(columns)), slices.Sorted(maps.Keys(fields)); len(has) == 0 ||
			!slices.Equal(has, want) {
			t.Errorf("%s has columns %v, the schema of %s has %v", files[0], has, topic, want)
		}
		for name, raw := range columns {
			column, field := arrived[name], object(fields[name])
			if raw != "Nullable(String)" {
				t.Errorf("%s.%s is %s: it has to take any text", files[0], name, raw)
			}
			if field["type"] == "object" {
				column += ", a JSON object"
			}
			shape := fmt.Sprint("type ", field["type"])
			for _, limit := range []string{"minimum", "maximum", "pattern"} {
				if field[limit] != nil && (!text(column) || limit != "pattern") { // a text may be narrower than its column
					shape += fmt.Sprintf(", %s %v", limit, field[limit])
				}
			}
			if want, ok := columnTypes[column]; !ok || shape != want {
				t.Errorf("%s.%s is %s, its column in %s is %s: want %s", topic, name, shape, files[1], column, want)
			}
		}
	}
}
