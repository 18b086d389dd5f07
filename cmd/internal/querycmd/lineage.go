package querycmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks/load"
)

func lineageCommand() *cli.Command {
	return &cli.Command{
		Name: "lineage", Category: "Query results", ArgsUsage: "ID",
		Usage: "where a transaction came from and its outcome",
		Flags: batchcmd.Flags([]cli.Flag{
			batchcmd.SourceOfIDsFlag("TXFLOW_SOURCE", "`NAME` of the source system, as given to run"),
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_LINEAGE_JSON"},
				Usage: "everything as one JSON object"},
		}, batchcmd.ClickHouseFlags),
		Description: `ID is the id in the file, together with --source, or the UUID in ClickHouse.

   txflow lineage 1 --source demo
   txflow lineage 81fe8d20-b855-5e84-9566-f6693045d336
   txflow lineage --json 1 | jq .transaction.trace_id`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			text := transaction.TrimField([]byte(c.Args().First()))
			if len(text) == 0 {
				return fault.WithHint(fault.Failf(fault.ExitUsage, "missing argument: ID"),
					"txflow lineage ID --source NAME")
			}
			id := transaction.DeriveID(c.String("source"), text)
			db, err := batchcmd.StoreNow(c, rt)
			if err != nil {
				return err
			}
			defer db.Close()
			l, err := db.Lineage(c.Context, id)
			if err != nil {
				return err
			}
			if !l.Found() {
				return fault.WithHint(fault.Failf(fault.ExitNothing, "there is no transaction with id %s", id),
					"an id of a file needs the --source of its run: the source is part of the key")
			}
			if c.Bool("json") {
				out := json.NewEncoder(rt.Stdout)
				out.SetIndent("", "  ")
				return out.Encode(l)
			}
			return ShowLineage(rt.Stdout, l)
		}),
	}
}

// ShowLineage prints the current state field by field, then the steps.
func ShowLineage(w io.Writer, l *store.Lineage) error {
	_, _ = fmt.Fprintf(w, "id                %s\n", table.Plain(l.ID))
	if l.Transaction != nil {
		if err := showFields(w, l.Transaction); err != nil {
			return err
		}
	} else {
		_, _ = fmt.Fprintln(w, "not stored")
	}
	for _, part := range []struct {
		title   string
		rows    []json.RawMessage
		columns []string
	}{
		{"attempts of the run's tasks", l.Tasks, []string{"task", "task_index", "try", "status", "rows_in",
			"started_at", "duration_ms"}},
		{"outcomes, newest first", l.Outcomes, []string{"recorded_at", "outcome", "code", "category", "run_id",
			"position", "origin"}},
		{"dead letters, newest first", l.DeadLetters, []string{"updated_at", "state", "code", "column", "run_id",
			"position", "origin"}},
	} {
		if len(part.rows) == 0 {
			continue
		}
		_, _ = fmt.Fprintf(w, "\n%s\n", part.title)
		if err := showRows(w, part.rows, part.columns); err != nil {
			return err
		}
	}
	return nil
}

// lineageHeader is a column as people read it: times are UTC, and the position of a row is a line of a file or an
// offset of Kafka.
func lineageHeader(column string) string {
	switch column {
	case "recorded_at", "updated_at", "started_at":
		return strings.TrimSuffix(column, "_at") + " (UTC)"
	case "position":
		return "line or offset"
	case "task_index":
		return "index"
	case "rows_in":
		return "rows"
	case "duration_ms":
		return "ms"
	case "run_id":
		return "run"
	}
	return column
}

// lineageValue is a value as people read it: counts with separators, times to the second.
func lineageValue(column, value string) string {
	switch column {
	case "recorded_at", "updated_at", "started_at":
		value, _, _ = strings.Cut(value, ".")
	case "rows_in", "duration_ms":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			value = display.Thousands(n)
		}
	case "task_index":
		value = strings.TrimPrefix(value, "-1") // of a task that is not mapped
	}
	return value
}

// fields walks over an object in the order in which ClickHouse wrote it.
func fields(object json.RawMessage, visit func(name, value string)) error {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return err
		}
		if value == nil {
			value = "(none)"
		}
		visit(fmt.Sprint(name), fmt.Sprint(value))
	}
	return nil
}

func showFields(w io.Writer, object json.RawMessage) error {
	batch := false
	return fields(object, func(name, value string) {
		switch name {
		case "pipeline":
			batch = value == load.Pipeline
		case "position":
			name = map[bool]string{true: "line", false: "offset"}[batch]
		case "partition":
			name = map[bool]string{true: "file index", false: "partition"}[batch]
		case "timestamp", "classified_at", "version", "inserted_at":
			value += " UTC"
		case "row_version", "content_hash":
			return // of use to programs: --json has them
		}
		_, _ = fmt.Fprintf(w, "%-17s %s\n", name, table.Plain(value))
	})
}

func showRows(w io.Writer, rows []json.RawMessage, columns []string) error {
	header := make([]string, len(columns))
	for i, column := range columns {
		header[i] = lineageHeader(column)
	}
	t := table.New(header...).AlignRight("index", "try", "rows", "ms", "line or offset").Own("run", "origin")
	for _, row := range rows {
		cells := make([]string, len(columns))
		if err := fields(row, func(name, value string) {
			if at := slices.Index(columns, name); at >= 0 {
				cells[at] = lineageValue(name, value)
			}
		}); err != nil {
			return err
		}
		t.Add(cells...)
	}
	t.Print(w)
	return nil
}
