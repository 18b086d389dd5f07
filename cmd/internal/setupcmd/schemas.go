package setupcmd

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/stream/registry"
	"github.com/txflow/txflow/stream/schemas"
)

// Schemas is txflow schemas.
func Schemas() *cli.Command {
	return &cli.Command{
		Name: "schemas", Category: "Set up and check", Usage: "check and register the schemas of the stream's messages",
		Subcommands: []*cli.Command{{
			Name: "check", Usage: "exit 65 if a schema is incompatible with its former versions, in this txflow and in the " +
				"registry",
			Flags: []cli.Flag{kafkaflags.Registry,
				&cli.BoolFlag{Name: "offline", EnvVars: []string{"TXFLOW_SCHEMAS_OFFLINE"}, Usage: "do not contact the registry"}},
			Description: `A field may be added when messages may lack it; none may vanish, change its type or become
required.

   txflow schemas check
   txflow schemas check --offline
   txflow schemas check --registry-url https://USER:PASSWORD@registry:8081`,
			Action: app.Action(checkSchemas),
		}, {
			Name: "register", Usage: "register missing schemas; idempotent",
			Flags: []cli.Flag{kafkaflags.Registry,
				&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_SCHEMAS_DRY_RUN"},
					Usage: "show what would be done, and do nothing"}},
			Description: `Each subject, TOPIC-value, gets the compatibility ` + schemas.Level +
				` and every version of its schema.

   txflow schemas register --dry-run
   txflow schemas register --registry-url http://registry:8081`,
			Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
				plan, client, err := PlanSchemas(c.Context, c.String("registry-url"))
				if err != nil {
					return err
				}
				if c.Bool("dry-run") {
					for _, change := range plan {
						_, _ = fmt.Fprintln(rt.Stdout, "would", change.Text)
					}
				} else if err := ApplySchemas(c.Context, client, plan, rt.Stdout); err != nil {
					return err
				}
				if len(plan) == 0 {
					_, _ = fmt.Fprintln(rt.Stderr, "the registry has all schemas")
				}
				return nil
			}),
		}},
	}
}

func checkSchemas(c *cli.Context, rt *app.Runtime) error {
	all, err := schemas.All()
	if err != nil {
		return err
	}
	if err := schemas.Check(all); err != nil {
		return err
	}
	t := table.New("subject", "version", "state").Fold("state")
	if c.Bool("offline") {
		for _, s := range all {
			t.Add(s.Name, fmt.Sprint(len(s.Versions)), "compatible with those before it")
		}
		t.Print(rt.Stdout)
		return nil
	}
	plan, _, err := PlanSchemas(c.Context, c.String("registry-url"))
	if err != nil {
		return err
	}
	for _, s := range all {
		t.Add(s.Name, fmt.Sprint(len(s.Versions)), "compatible with what the registry has")
	}
	t.Print(rt.Stdout)
	for _, change := range plan {
		_, _ = fmt.Fprintln(rt.Stdout, "txflow schemas register would", change.Text)
	}
	return nil
}

// PlanSchemas says what a registry lacks.
func PlanSchemas(ctx context.Context, url string) ([]schemas.Change, *registry.Client, error) {
	all, err := schemas.All()
	if err != nil {
		return nil, nil, err
	}
	client, err := registry.New(url)
	if err != nil {
		return nil, nil, err
	}
	plan, err := schemas.Plan(ctx, client, all)
	return plan, client, err
}

// ApplySchemas registers what is planned, and says so.
func ApplySchemas(ctx context.Context, client *registry.Client, plan []schemas.Change, out io.Writer) error {
	return schemas.Apply(ctx, client, plan, func(change schemas.Change) { _, _ = fmt.Fprintln(out, change.Text) })
}
