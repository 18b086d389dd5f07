package topics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/txflow/txflow/stream/events"
)

// MaxFile is how long a file of topics may be, in bytes.
const MaxFile = 1 << 20

// override is what a user changes of one topic; what it leaves out stays.
type override struct {
	Partitions *int              `json:"partitions,omitempty"`
	Replicas   *int              `json:"replicas,omitempty"`
	Config     map[string]string `json:"config,omitempty"`
}

// File is what a user wants of the topics, by their names: an object like {"transactions.raw": {"partitions": 12,
// "replicas": 3, "config": {"retention.ms": "86400000"}}}. The zero value changes nothing.
type File struct{ topics map[string]override }

// fixed are the settings that promises of txflow rest on, with the reason.
var fixed = map[string]string{
	"cleanup.policy":         "the stream reads what its policy keeps",
	"message.timestamp.type": "versions go by the broker's clock",
}

// ParseFile reads a file of topics. It refuses unknown topics and fields, values out of bounds, and settings that
// txflow's promises rest on; the errors name the topic.
func ParseFile(text []byte) (File, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var f File
	if err := decoder.Decode(&f.topics); err != nil {
		return File{}, fmt.Errorf("not an object of topics: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return File{}, errors.New("more follows after the object of topics")
	}
	known := map[string]bool{}
	for _, name := range Names(All(Default, 1)) {
		known[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(f.topics)) {
		if !known[name] {
			return File{}, fmt.Errorf("%q is none of txflow's topics: %v", name, Names(All(Default, 1)))
		}
		if err := f.topics[name].check(); err != nil {
			return File{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return f, nil
}

func (o override) check() error {
	if o.Partitions != nil && (*o.Partitions < 1 || *o.Partitions > MaxPartitions) {
		return fmt.Errorf("%d partitions: from 1 to %d", *o.Partitions, MaxPartitions)
	}
	if o.Replicas != nil && (*o.Replicas < 1 || *o.Replicas > MaxReplicas) {
		return fmt.Errorf("%d replicas: from 1 to %d", *o.Replicas, MaxReplicas)
	}
	for _, setting := range slices.Sorted(maps.Keys(o.Config)) {
		if why := fixed[setting]; why != "" {
			return fmt.Errorf("%s can not be changed: %s", setting, why)
		}
		if setting == "" || o.Config[setting] == "" {
			return fmt.Errorf("the setting %q has no value", setting)
		}
	}
	return nil
}

// Apply changes topics to be as the file says. With a file that gives events.raw, events.silver and
// events.claims different partitions it fails: an event has the same one in all.
func (f File) Apply(want []Topic) error {
	partitions := map[string]int{}
	for i := range want {
		t := &want[i]
		o := f.topics[t.Name]
		if o.Partitions != nil {
			t.Partitions = *o.Partitions
		}
		if o.Replicas != nil {
			t.Replicas = *o.Replicas
			t.Config["min.insync.replicas"] = fmt.Sprint(minInsync(t.Replicas))
		}
		maps.Copy(t.Config, o.Config)
		partitions[t.Name] = t.Partitions
	}
	for _, name := range []string{events.Silver, events.Claims} {
		if partitions[name] != partitions[events.Raw] {
			return fmt.Errorf("%s has %d partitions and %s %d: an event has the same one in both", events.Raw,
				partitions[events.Raw], name, partitions[name])
		}
	}
	return nil
}

// Format is a file that wants these topics.
func Format(want []Topic) ([]byte, error) {
	f := map[string]override{}
	for i := range want {
		t := &want[i]
		config := maps.Clone(t.Config)
		maps.DeleteFunc(config, func(name, _ string) bool { return fixed[name] != "" })
		f[t.Name] = override{&t.Partitions, &t.Replicas, config}
	}
	text, err := json.MarshalIndent(f, "", "  ")
	return append(text, '\n'), err
}
