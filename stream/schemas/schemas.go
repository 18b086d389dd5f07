// Package schemas is the one truth about the shape of messages: a schema for the value of each topic, every version of
// it, and what must be done for a Schema Registry to have them. Those of messages that ClickHouse reads are JSON
// Schemas, in files TOPIC.vN.json; such messages carry no schema id. events.raw is Avro, and its messages carry the id.
package schemas

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"

	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/topics"
)

//go:embed *.json
var files embed.FS

// Format is a language of schemas, by the registry's name for it.
type Format string

// The formats.
const (
	JSON Format = "JSON"
	Avro Format = "AVRO"
)

// Subject is what a topic's value may look like.
type Subject struct {
	Name     string // in the registry, by its TopicNameStrategy
	Format   Format
	Versions []string // the text of each, oldest first
}

// Latest is the text of the newest version.
func (s *Subject) Latest() string { return s.Versions[len(s.Versions)-1] }

// RawEvents is the subject of events.raw.
const RawEvents = events.Raw + "-value"

// All are the subjects of all topics that a registry knows of.
func All() ([]Subject, error) {
	all, err := load(files, topics.Raw, topics.Classified, topics.DeadLetters, events.Silver, events.DeadLetters,
		events.Analytics)
	return append(all, Subject{Name: RawEvents, Format: Avro, Versions: events.RawSchemas}), err
}

func load(from fs.FS, names ...string) (subjects []Subject, err error) {
	for _, name := range names {
		s := Subject{Name: name + "-value", Format: JSON}
		for {
			text, err := fs.ReadFile(from, fmt.Sprintf("%s.v%d.json", name, len(s.Versions)+1))
			if errors.Is(err, fs.ErrNotExist) {
				break
			}
			if err != nil {
				return nil, err
			}
			s.Versions = append(s.Versions, string(text))
		}
		if len(s.Versions) == 0 {
			return nil, fmt.Errorf("there is no schema %s.v1.json", name)
		}
		subjects = append(subjects, s)
	}
	return subjects, nil
}

// same reports whether two schemas are the same but for their layout.
func same(a, b string) bool {
	x, err := parse(a)
	if err != nil {
		return false
	}
	y, err := parse(b)
	return err == nil && reflect.DeepEqual(x, y)
}

func parse(text string) (schema map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber() // 64 bits are more than a float holds
	if err := d.Decode(&schema); err != nil {
		return nil, fmt.Errorf("read a schema: %w", err)
	}
	return schema, nil
}
