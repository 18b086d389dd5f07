package batchcmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/tasks"
)

// resultFlags are those that change what a run stores, where, or how it is cut; the others only change how fast it is.
var resultFlags = []string{"source", "as-of", "delimiter", "decimal", "thousands", "max-text", "max-record",
	"max-reject-ratio", "max-chunks", "min-rows", "segment-rows", "ml-url", "expect-model", "clickhouse-url"}

// command is what a command line asks for, under a digest of it: the runs that were started for it, the newest first.
type command struct {
	Runs []string `json:"runs"`
}

// shownRuns bounds the list.
const shownRuns = 20

// commandAt is where a command's runs are noted.
func commandAt(c *cli.Context, files []input) (string, error) {
	identity := struct {
		Flags map[string]string
		Files []batch.SourceFile
	}{Flags: map[string]string{}}
	for _, name := range resultFlags {
		identity.Flags[name] = fmt.Sprint(c.Value(name))
	}
	for _, name := range []string{"earliest", "latest"} {
		if at := c.Timestamp(name); at != nil {
			identity.Flags[name] = at.Format(time.RFC3339)
		}
	}
	for _, f := range files {
		identity.Files = append(identity.Files, f.SourceFile)
	}
	text, err := json.Marshal(identity)
	sum := sha256.Sum256(text)
	return batch.NewLayout(c.String("out"), ".commands/"+hex.EncodeToString(sum[:16])+".json").Root, err
}

// resume finds the newest run of the same command that is not finished and that nobody works on, and notes runID as one
// of the command's where there is none. What can be read only once is never gone on with.
func resume(c *cli.Context, rt *app.Runtime, runID string, files []input) (string, error) {
	if once(files) || c.String("run-id") != "" {
		return runID, nil
	}
	url, err := commandAt(c, files)
	if err != nil {
		return "", err
	}
	var known command
	err = batch.ReadJSON(c.Context, rt.Artifacts, url, "", &known)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && fault.ExitCode(err) != fault.ExitData {
		return "", err
	}
	if !c.Bool("new") {
		for _, id := range known.Runs {
			open, err := canGoOn(c.Context, rt, c.String("out"), id)
			if err != nil {
				return "", err
			}
			if open {
				rt.Log.InfoContext(c.Context, "going on with a run of the same command; --new starts another", "run_id", id)
				return id, nil
			}
		}
	}
	known.Runs = slices.Insert(known.Runs, 0, runID)
	known.Runs = known.Runs[:min(len(known.Runs), shownRuns)]
	_, err = batch.WriteJSON(c.Context, rt.Artifacts, url, known)
	return runID, err
}

func canGoOn(ctx context.Context, rt *app.Runtime, out, id string) (bool, error) {
	if batch.CheckRunID(id) != nil {
		return false, nil
	}
	layout := batch.NewLayout(out, id)
	var spec batch.RunSpec
	err := batch.ReadJSON(ctx, rt.Artifacts, layout.Run(), "", &spec)
	if errors.Is(err, fs.ErrNotExist) || fault.ExitCode(err) == fault.ExitData {
		return false, nil // it never began, or was removed
	}
	if err != nil {
		return false, err
	}
	return tasks.Unfinished(ctx, rt.Artifacts, layout, time.Now())
}
