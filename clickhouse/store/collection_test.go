package store

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestValuesSetByHandStay(t *testing.T) {
	t.Parallel()
	open := map[string]string(nil)
	guarded := map[string]string{"security.protocol": "ssl", "ssl.ca.location": "/ca.pem"}
	for _, test := range []struct {
		name     string
		security map[string]string
		before   string
		want     string
	}{
		{"a new collection", open, "", "kafka.fetch_min_bytes kafka.fetch_wait_max_ms kafka_broker_list"},
		{"a value by hand", open, "kafka.fetch_min_bytes kafka_broker_list", "kafka.fetch_wait_max_ms kafka_broker_list"},
		{"security replaces all", guarded, "kafka.fetch_min_bytes kafka_broker_list",
			"kafka.fetch_min_bytes kafka.fetch_wait_max_ms kafka.ssl_ca_location kafka_broker_list kafka_security_protocol"},
	} {
		values := collectionValues("kafka:9092", test.security, strings.Fields(test.before))
		if got := strings.Join(slices.Sorted(maps.Keys(values)), " "); got != test.want {
			t.Errorf("%s: it is given %s, want %s", test.name, got, test.want)
		}
		if values["kafka_broker_list"] != "kafka:9092" {
			t.Errorf("%s: the brokers are %q", test.name, values["kafka_broker_list"])
		}
	}
}
