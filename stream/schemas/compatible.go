package schemas

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/twmb/avro"

	"github.com/txflow/txflow/internal/fault"
)

// Findings are the changes from an old version of a schema to a new one for which messages of the old would no longer
// be read as they were: a field that vanished or has another type, a field that is required now, a limit that was added
// or changed. A new field that may be absent, a limit that is gone, and a longer enum are fine. It knows objects of
// plain fields, which is what the topics have: any other change is a finding.
//
// Registries have rules of their own. This one is stricter about types, since each field is a column of ClickHouse, and
// it is there where a registry lets everything pass, as the one of txflow platform does.
func Findings(format Format, before, after string) ([]string, error) {
	if format == Avro {
		return avroFindings(before, after)
	}
	from, err := parse(before)
	if err != nil {
		return nil, err
	}
	to, err := parse(after)
	if err != nil {
		return nil, err
	}
	return compare("", from, to), nil
}

// avroFindings is the first thing in a new version of an Avro schema for which it does not read what the old one wrote.
func avroFindings(before, after string) ([]string, error) {
	writer, err := avro.Parse(before)
	if err != nil {
		return nil, fmt.Errorf("read an Avro schema: %w", err)
	}
	reader, err := avro.Parse(after)
	if err != nil {
		return nil, fmt.Errorf("read an Avro schema: %w", err)
	}
	if err := avro.CheckCompatibility(writer, reader); err != nil {
		return []string{err.Error()}, nil
	}
	return nil, nil
}

// Check compares each version of the subjects with all before it. The error has exit code 65 and every finding.
func Check(subjects []Subject) error {
	var errs []error
	for _, s := range subjects {
		for i, after := range s.Versions {
			for j, before := range s.Versions[:i] {
				found, err := Findings(s.Format, before, after)
				if err != nil {
					return fault.Fail(fault.ExitData, fmt.Errorf("%s: %w", s.Name, err))
				}
				for _, f := range found {
					errs = append(errs, fmt.Errorf("%s, version %d after version %d: %s", s.Name, i+1, j+1, f))
				}
			}
		}
	}
	return fault.Fail(fault.ExitData, errors.Join(errs...))
}

// annotations change nothing about what is valid.
var annotations = []string{"$schema", "$id", "$comment", "title", "description", "examples", "default"}

func compare(path string, before, after map[string]any) (found []string) {
	find := func(format string, args ...any) {
		at := path
		if at == "" {
			at = "the message"
		}
		found = append(found, at+": "+fmt.Sprintf(format, args...))
	}
	if !reflect.DeepEqual(before["type"], after["type"]) {
		find("the type was %v and is %v", before["type"], after["type"])
	}
	required := list(before["required"])
	for _, name := range list(after["required"]) {
		if !slices.ContainsFunc(required, func(had any) bool { return had == name }) {
			find("%v is required now", name)
		}
	}
	for _, keyword := range slices.Sorted(maps.Keys(after)) {
		switch {
		case slices.Contains(annotations, keyword), keyword == "type", keyword == "required", keyword == "properties":
		case keyword == "enum" && before["enum"] != nil:
			for _, value := range list(before["enum"]) {
				if !slices.ContainsFunc(list(after["enum"]), func(has any) bool {
					return reflect.DeepEqual(has,
						value)
				}) {
					find("the value %v is gone", value)
				}
			}
		case !reflect.DeepEqual(before[keyword], after[keyword]):
			find("%s was %v and is %v", keyword, before[keyword], after[keyword])
		}
	}
	if _, had := before["additionalProperties"]; had && after["additionalProperties"] == nil {
		find("additionalProperties is gone: a later field could not be distinguished from an unknown one")
	}
	had, has := object(before["properties"]), object(after["properties"])
	for _, name := range slices.Sorted(maps.Keys(has)) {
		if _, known := had[name]; !known && before["additionalProperties"] != false {
			find("%s is new, and messages could have had any such field", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(had)) {
		if _, still := has[name]; !still {
			find("%s is gone", name)
			continue
		}
		found = append(found, compare(path+"."+name, object(had[name]), object(has[name]))...)
	}
	return found
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}
