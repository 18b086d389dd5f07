package setupcmd

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/secret"
)

// checkErasures looks for persons whose events are not erased everywhere yet. It says nothing where nobody was ever
// forgotten, or where ClickHouse is missing, which other checks say.
func checkErasures(c *cli.Context, rt *app.Runtime) []check {
	const name = "erasures"
	db, err := store.Open(store.Config{URL: secret.NewURL(c.String("clickhouse-url")), Log: rt.Log})
	if err != nil {
		return nil
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	all, err := db.Erasures(ctx)
	if err != nil || len(all) == 0 {
		return nil
	}
	for i := range all {
		if e := &all[i]; !e.Done {
			return []check{{Name: name, Detail: fmt.Sprintf("the one that was requested at %s (%s, hash %.12s…) is pending",
				e.Requested.UTC().Format(time.DateTime), e.Scope, e.Hash),
				Next: "run the same txflow events forget again: it goes on with what is left"}}
		}
	}
	return []check{{Name: name, OK: true, Detail: fmt.Sprintf("%s %s forgotten, none is pending",
		display.Count(len(all), "person"), display.Are(len(all)))}}
}
