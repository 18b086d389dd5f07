package ui

import (
	"context"
	"embed"
	"fmt"

	"github.com/txflow/txflow/internal/sqlfile"
)

//go:embed queries/*.sql
var queryFiles embed.FS

// queries are the statements by name. They are fixed: what an address asks for reaches ClickHouse as a parameter only.
var queries = sqlfile.MustLoad(queryFiles, "queries")

// rows runs the query of a name and returns its rows. T is a struct with ch tags.
func rows[T any](ctx context.Context, db Database, name string, values map[string]string) ([]T, error) {
	sql, ok := queries.Find(name)
	if !ok {
		return nil, fmt.Errorf("there is no query %s", name)
	}
	var out []T
	if err := db.Select(ctx, &out, sql, values); err != nil {
		return nil, err
	}
	return out, nil
}

// one is the first row of a query, the zero value where there is none.
func one[T any](ctx context.Context, db Database, name string, values map[string]string) (first T, found bool,
	err error) {
	all, err := rows[T](ctx, db, name, values)
	if err != nil || len(all) == 0 {
		return first, false, err
	}
	return all[0], true, nil
}

type values = map[string]string
