package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks"
)

// full refuses to write one object, as a full disk does.
type full struct {
	batch.Artifacts
	url string
}

func (f full) Create(ctx context.Context, url string) (batch.ArtifactWriter, error) {
	if url == f.url {
		return nil, fault.Failf(fault.ExitTryAgain, "%s: no space left", url)
	}
	return f.Artifacts.Create(ctx, url)
}

// tries is a history of tasks.
type tries []batch.Manifest

func (t *tries) RecordTask(_ context.Context, m *batch.Manifest) error {
	*t = append(*t, *m)
	return nil
}

// Whatever goes wrong, and when: the manifest, each of its copies that could be written, the history and the exit code
// say the same.
func TestManifestAndExitCodeNeverContradict(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	const kept, asked = "mem/out/r1/x-3.json", "mem/asked.json"
	for name, tt := range map[string]struct {
		ctx  context.Context
		full string
		work error
		code int
	}{
		"done":                     {t.Context(), "", nil, 0},
		"failed":                   {t.Context(), "", fault.Failf(fault.ExitData, "bad"), fault.ExitData},
		"nothing to do":            {t.Context(), "", fault.Failf(fault.ExitNothing, "nothing"), fault.ExitNothing},
		"the folder is full":       {t.Context(), kept, nil, fault.ExitTryAgain},
		"--manifest is full":       {t.Context(), asked, nil, fault.ExitTryAgain},
		"failed, and full":         {t.Context(), kept, fault.Failf(fault.ExitData, "bad"), fault.ExitData},
		"interrupted":              {cancelled, "", context.Canceled, fault.ExitInterrupted},
		"interrupted at a bad end": {cancelled, "", io.ErrClosedPipe, fault.ExitInterrupted},
	} {
		w := newWorld()
		history := &tries{}
		env := w.env()
		env.Artifacts, env.Manifest, env.Recorder = full{w, tt.full}, asked, history
		m, err := tasks.Do(tt.ctx, env, "x", 3, func(context.Context, *batch.Manifest) error { return tt.work })
		if fault.ExitCode(err) != tt.code || m.ExitCode != tt.code || tt.work != nil && !errors.Is(err, tt.work) {
			t.Errorf("%s: %v, the manifest says %d, want %d", name, err, m.ExitCode, tt.code)
		}
		if len(*history) != 1 || (*history)[0].ExitCode != tt.code || (*history)[0].Status != m.Status {
			t.Errorf("%s: the history is %+v", name, *history)
		}
		for _, url := range []string{kept, asked} {
			var copied batch.Manifest
			if content := w.Get(url); (content == nil) != (url == tt.full) {
				t.Errorf("%s: %s is there: %v", name, url, content != nil)
			} else if content != nil && (json.Unmarshal(content, &copied) != nil || copied.ExitCode != tt.code ||
				copied.Status != m.Status ||
				(copied.Status == "done") != (tt.code == 0)) {
				t.Errorf("%s: %s says %+v, want exit code %d", name, url, copied, tt.code)
			}
		}
	}
}
