package ui

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Part is a table of a page: what its CSV is of. Rows is a slice of structs; their json tags name the columns.
type Part struct {
	Name string
	Rows any
}

// document is a page as JSON.
type document struct {
	Page  string         `json:"page"`
	AsOf  time.Time      `json:"as_of"`
	Next  string         `json:"next,omitempty"` // address of the rows that follow
	Parts map[string]any `json:"parts"`
	Notes []string       `json:"notes,omitempty"` // what could not be had, and why
}

func writeJSON(w io.Writer, p *page) error {
	doc := document{Page: p.Path, AsOf: p.AsOf.UTC(), Next: p.Next, Parts: map[string]any{}, Notes: p.Notes}
	for _, part := range p.Parts {
		doc.Parts[part.Name] = part.Rows
		if v := reflect.ValueOf(part.Rows); v.Kind() == reflect.Slice && v.IsNil() {
			doc.Parts[part.Name] = []struct{}{}
		}
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(doc)
}

// writeCSV writes a part with a header. Text that a spreadsheet would run as a formula gets an apostrophe before it.
func writeCSV(w io.Writer, part *Part) error {
	out := csv.NewWriter(w)
	all := reflect.ValueOf(part.Rows)
	columns := csvColumns(all.Type().Elem(), nil)
	header := make([]string, len(columns))
	for i, c := range columns {
		header[i] = c.name
	}
	if err := out.Write(header); err != nil {
		return err
	}
	cells := make([]string, len(columns))
	for i := range all.Len() {
		for j, c := range columns {
			cells[j] = csvCell(all.Index(i).FieldByIndex(c.index))
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

type csvColumn struct {
	name  string
	index []int
}

// csvColumns are the fields of a struct that JSON has, those of embedded structs in their place.
func csvColumns(t reflect.Type, at []int) (columns []csvColumn) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, at...), i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			columns = append(columns, csvColumns(f.Type, index)...)
		case f.IsExported() && name != "-" && name != "":
			columns = append(columns, csvColumn{name, index})
		}
	}
	return columns
}

func csvCell(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Time:
		if x.IsZero() {
			return ""
		}
		return x.UTC().Format(time.RFC3339Nano)
	case *time.Time:
		if x == nil {
			return ""
		}
		return x.UTC().Format(time.RFC3339Nano)
	case decimalText:
		return string(x)
	case fmt.Stringer:
		return x.String()
	case *string:
		if x == nil {
			return ""
		}
		return notFormula(*x)
	}
	switch v.Kind() {
	case reflect.String:
		return notFormula(v.String())
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case reflect.Slice, reflect.Map, reflect.Struct, reflect.Pointer:
		b, err := json.Marshal(v.Interface())
		if err != nil || string(b) == "null" {
			return ""
		}
		return notFormula(string(b))
	}
	return fmt.Sprint(v.Interface())
}

// decimalText is an exact decimal, as ClickHouse writes it: no formula, though it may start with a minus.
type decimalText string

// Scan implements sql.Scanner, which clickhouse-go asks for types of others.
func (d *decimalText) Scan(value any) error {
	switch v := value.(type) {
	case string:
		*d = decimalText(v)
	case []byte:
		*d = decimalText(v)
	default:
		return fmt.Errorf("a decimal came as %T", value)
	}
	return nil
}

// Float is its value for charts.
func (d decimalText) Float() float64 {
	f, err := strconv.ParseFloat(string(d), 64)
	if err != nil {
		return 0
	}
	return f
}
