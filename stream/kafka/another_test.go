package kafka

import (
	"slices"
	"testing"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// TestAMemberThatJoinsTakesNobodyForAnother: while a consumer has no member id, one of its name in the group may be
// itself.
func TestAMemberThatJoinsTakesNobodyForAnother(t *testing.T) {
	t.Parallel()
	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{"group.id": "g", "group.instance.id": "a",
		"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = consumer.Close() }()
	joining, err := (&Session{consumer: consumer}).memberID() // the client's own form, so that a change of it is noticed
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(joining, 'g') + len("g\x00")
	joined := slices.Insert(slices.Clone(joining), at, []byte("a-1234")...)
	for name, c := range map[string]struct {
		before, after []byte
		id            string
		want          bool
	}{
		"it joins":                {joining, joining, "a-9999", false},
		"it has joined meanwhile": {joining, joined, "a-9999", false},
		"it joins again":          {joined, joining, "a-9999", false},
		"it is the one":           {joined, joined, "a-1234", false},
		"a newcomer has its name": {joined, joined, "a-9999", true},
	} {
		if got := another(c.before, c.after, "g", c.id); got != c.want {
			t.Errorf("%s: %t (%q, %q)", name, got, c.before, c.after)
		}
	}
}
