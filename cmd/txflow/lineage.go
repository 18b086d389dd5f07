package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/txflow/txflow/internal/fault"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/internal/transaction"
)

func lineageCommand() *cli.Command {
	return &cli.Command{
		Name: "lineage", Category: "Questions", ArgsUsage: "ID", Usage: "where a transaction came from and what became of it",
		Flags: batchcmd.Flags([]cli.Flag{
			batchcmd.SourceNameFlag("TXFLOW_SOURCE", "`NAME` of the source that the id is from, as it was given to run"),
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_LINEAGE_JSON"}, Usage: "everything as one JSON object"},
		}, batchcmd.ClickHouseFlags),
		Description: `ID is the id in the file, together with --source, or the UUID in ClickHouse.

   txflow lineage 1 --source demo
   txflow lineage 81fe8d20-b855-5e84-9566-f6693045d336
   txflow lineage --json 1 | jq .transaction.trace_id`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			text := transaction.TrimField([]byte(c.Args().First()))
			if len(text) == 0 {
				return fault.WithHint(fault.Failf(fault.ExitUsage, "which id?"), "txflow lineage ID --source NAME")
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
				return fault.WithHint(fault.Failf(fault.ExitNothing, "nothing is known of id %s", id),
					"an id of a file needs the --source that it was run with; without one, that is a source of its own")
			}
			if c.Bool("json") {
				out := json.NewEncoder(rt.Stdout)
				out.SetIndent("", "  ")
				return out.Encode(l)
			}
			return showLineage(rt.Stdout, l)
		}),
	}
}

// showLineage prints the current state field by field, then the steps.
func showLineage(w io.Writer, l *store.Lineage) error {
	_, _ = fmt.Fprintf(w, "id                %s\n", plain(l.ID))
	if l.Transaction != nil {
		if err := showFields(w, l.Transaction); err != nil {
			return err
		}
	} else {
		_, _ = fmt.Fprintln(w, "not stored")
	}
	for _, part := range []struct {
		title string
		rows  []json.RawMessage
	}{{"steps of the run", l.Tasks}, {"outcomes", l.Outcomes}, {"dead letters", l.DeadLetters}} {
		if len(part.rows) == 0 {
			continue
		}
		_, _ = fmt.Fprintf(w, "\n%s\n", part.title)
		if err := showRows(w, part.rows); err != nil {
			return err
		}
	}
	return nil
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
	return fields(object, func(name, value string) { _, _ = fmt.Fprintf(w, "%-17s %s\n", name, plain(value)) })
}

func showRows(w io.Writer, rows []json.RawMessage) error {
	var t *table
	for _, row := range rows {
		var header, cells []string
		if err := fields(row, func(name, value string) { header, cells = append(header, name), append(cells, value) }); err != nil {
			return err
		}
		if t == nil {
			t = newTable(header...)
		}
		t.add(cells...)
	}
	t.print(w)
	return nil
}
