package batch

import (
	"strings"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
)

// faultsOfProcesses are ends of the process at each task, and runs of the same file.
var faultsOfProcesses = []faultCase{
	{"kill -9 in validate", "the process is killed while it reads the file", func(f *faultTest) {
		f.killRun("validate writes", func(*harness.Process) bool { return f.Exists("out/r1/*")() })
		f.goOn()
	}},
	{"kill -9 in split", "the process is killed after validate", func(f *faultTest) {
		f.killRun("validate is through", func(*harness.Process) bool { return f.Exists("out/r1/validate.json")() })
		f.goOn()
	}},
	{"kill -9 in classify", "the process is killed between two answers; no answer that was recorded is asked for again",
		func(f *faultTest) {
			f.API.Slow(30 * time.Millisecond)
			f.killRun("answers are recorded", func(*harness.Process) bool { return f.Exists("out/r1/parts/*/[0-9a-f]*.json")() })
			recorded := f.Recorded("r1")
			f.API.Harm.Store(nil)
			f.API.Asked.Store(0)
			n := f.goOn().Record(f.T).Counts
			if asked := f.API.Asked.Load(); asked != n.Accepted-recorded || recorded == 0 {
				f.T.Errorf("asked for %d rows, want %d less the %d recorded", asked, n.Accepted, recorded)
			}
		}},
	{"kill -9 in load", "the process is killed between two inserts", func(f *faultTest) {
		f.API.Slow(20 * time.Millisecond) // load waits for classify, chunk by chunk
		f.killRun("some rows are stored", func(*harness.Process) bool { return f.SQL("SELECT count() FROM outcomes") != "0" })
		f.API.Harm.Store(nil)
		f.goOn()
	}},
	{"kill -9 in reconcile", "the process is killed after load", func(f *faultTest) {
		f.killRun("load is through", func(r *harness.Process) bool { return strings.Contains(r.Stderr.String(), "\nload ") })
		f.goOn()
	}},
	{"SIGTERM", "the process is stopped while it classifies", func(f *faultTest) {
		f.API.Slow(30 * time.Millisecond)
		r := f.Start("run", "--run-id", "r1", f.file)
		part := f.Exists("out/r1/parts/*/[0-9a-f]*.json")
		for deadline := time.Now().Add(harness.KillLimit); !part(); <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				f.T.Fatalf("after %s no part is recorded\n%s", harness.KillLimit, r.Stderr.String())
			}
		}
		r.Terminate(f.T)
		if code := r.Wait(f.T); code != fault.ExitInterrupted {
			f.T.Errorf("exit %d\n%s", code, r.Stderr.String())
		}
		f.see(fault.ExitInterrupted, r)
		f.API.Harm.Store(nil)
		f.goOn()
	}},
	{"two runs at once", "two processes do the same run at the same time", func(f *faultTest) {
		f.API.Slow(5 * time.Millisecond)
		a, b := f.Start("run", "--run-id", "r1", f.file), f.Start("run", "--run-id", "r1", f.file)
		for _, r := range []*harness.Process{a, b} {
			code := r.Wait(f.T)
			f.see(code, r)
			if code != 0 {
				f.T.Errorf("exit %d\n%s", code, r.Stderr.String())
			}
		}
	}},
	{"the same file twice", "a second run of the same file under another id", func(f *faultTest) {
		f.goOn()
		f.expect(0, "run", "--run-id", "r2", f.file)
		f.runs = append(f.runs, "r2")
	}},
}
