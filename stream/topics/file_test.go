package topics

import (
	"strings"
	"testing"

	"github.com/txflow/txflow/stream/events"
)

func TestFileChangesTopics(t *testing.T) {
	t.Parallel()
	file, err := ParseFile([]byte(`{"transactions.raw": {"partitions": 12, "replicas": 3, "config": {"retention.ms": ` +
		`"86400000", "compression.type": "zstd"}},
"events.dead.letter": {"config": {"retention.ms": "1000"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := All(Default, 1)
	if err := file.Apply(want); err != nil {
		t.Fatal(err)
	}
	for _, topic := range want {
		raw := topic.Name == Raw
		if (topic.Partitions == 12) != raw || (topic.Replicas == 3) != raw ||
			(topic.Config["min.insync.replicas"] == "2") != raw ||
			(topic.Config["compression.type"] == "zstd") != raw ||
			(topic.Config["retention.ms"] == "1000") != (topic.Name == events.DeadLetters) {
			t.Errorf("%+v", topic)
		}
	}
	text, err := Format(want)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseFile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	m := memory{}
	plan(t, m, want)
	same := All(Default, 1)
	if err := again.Apply(same); err != nil {
		t.Fatal(err)
	}
	if got := plan(t, m, same); len(got) != 0 {
		t.Errorf("a file of the same topics changes %q", got)
	}
}

func TestFileRefusesWhatBreaksPromises(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``: "object of topics", `[]`: "object of topics", `{} {}`: "more follows",
		`{"transactions.rwa": {}}`:                                                "none of txflow's topics",
		`{"transactions.raw": {"partition": 3}}`:                                  "unknown field",
		`{"transactions.raw": {"partitions": 0}}`:                                 "from 1",
		`{"transactions.raw": {"partitions": 1e9}}`:                               "object of topics",
		`{"transactions.raw": {"partitions": 10001}}`:                             "from 1",
		`{"transactions.raw": {"replicas": -1}}`:                                  "from 1",
		`{"transactions.raw": {"config": {"cleanup.policy": "compact"}}}`:         "can not be changed",
		`{"events.raw": {"config": {"message.timestamp.type": "CreateTime"}}}`:    "can not be changed",
		`{"transactions.raw": {"config": {"retention.ms": ""}}}`:                  "has no value",
		`{"events.raw": {"partitions": 4}, "events.silver": {"partitions": 5}}`:   "the same one in both",
		`{"events.raw": {"partitions": 4}, "transactions.dlq": {"partitions":2}}`: "the same one in both",
	} {
		file, err := ParseFile([]byte(text))
		if err == nil {
			err = file.Apply(All(Default, 1))
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %q", text, err, want)
		}
	}
}
