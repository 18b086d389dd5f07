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
	"github.com/txflow/txflow/stream/topics"
)

// whole is an integer of so many bits as a schema has it.
func whole(minimum, maximum string) string {
	return "type integer, minimum " + minimum + ", maximum " + maximum
}

// columnTypes says how a schema writes what a column holds.
var columnTypes = map[string]string{
	"String":                "type string",
	"Nullable(String)":      "type [string null]",
	"UUID":                  "type string, pattern ^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
	"Decimal(18, 4)":        `type string, pattern ^-?[0-9]+(\.[0-9]{1,4})?$`,
	"DateTime64(6, 'UTC')":  `type string, pattern ^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}$`,
	"UInt16":                whole("0", "65535"),
	"UInt64":                whole("0", "18446744073709551615"),
	"Int32":                 whole("-2147483648", "2147483647"),
	"Int64":                 whole("-9223372036854775808", "9223372036854775807"),
	"String, a JSON object": "type object",
}

// TestColumns compares the schemas with the Kafka tables that read the topics: the same names, and types that hold.
func TestColumns(t *testing.T) {
	t.Parallel()
	subjects := all(t)
	for file, topic := range map[string]string{"0001_kafka_classified.sql": topics.Classified, "0004_kafka_dead_letters.sql": topics.DeadLetters} {
		sql, err := fs.ReadFile(migrations.Stream(), file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(sql), "kafka_topic_list = '"+topic+"'") {
			t.Fatalf("%s does not read %s", file, topic)
		}
		columns := map[string]string{}
		for _, m := range regexp.MustCompile(`(?m)^    ([a-z_]+) +(\S.*?),?$`).FindAllStringSubmatch(string(sql[:strings.Index(string(sql), "ENGINE")]), -1) {
			columns[m[1]] = m[2]
		}
		s := subjects[topic]
		schema, err := parse(s.Latest())
		if err != nil {
			t.Fatal(err)
		}
		fields := object(schema["properties"])
		for _, optional := range []string{"version_us", "origin_digest", "traceparent"} { // a table that does not know them yet skips them
			if columns[optional] == "" {
				delete(fields, optional)
			}
		}
		if has, want := slices.Sorted(maps.Keys(columns)), slices.Sorted(maps.Keys(fields)); len(has) == 0 || !slices.Equal(has, want) {
			t.Errorf("%s has columns %v, the schema of %s has %v", file, has, topic, want)
		}
		for name, column := range columns {
			field := object(fields[name])
			if field["type"] == "object" {
				column += ", a JSON object"
			}
			text := fmt.Sprint("type ", field["type"])
			for _, limit := range []string{"minimum", "maximum", "pattern"} {
				if field[limit] != nil && (column != "String" || limit != "pattern") { // a text may be narrower than its column
					text += fmt.Sprintf(", %s %v", limit, field[limit])
				}
			}
			if want, ok := columnTypes[column]; !ok || text != want {
				t.Errorf("%s.%s is %s, its column in %s is %s: want %s", topic, name, text, file, column, want)
			}
		}
	}
}
