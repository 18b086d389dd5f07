package batch

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/testtool"
)

// faultsOfStores are what may happen to what is stored: artifacts, tables, ClickHouse itself, the disk.
var faultsOfStores = []faultCase{
	{"a damaged chunk", "a byte of a chunk is turned over between split and classify", func(f *faultTest) {
		f.OK("validate", "--run-id", "r1", f.file)
		f.OK("split", "out/r1")
		flip(f.T, filepath.Join(f.Dir, "out/r1/chunks/*.tsv"))
		f.expect(fault.ExitData, "classify", "out/r1")
		f.OK("split", "out/r1")
		f.finish()
	}},
	{"a damaged answer", "a byte of a recorded answer is turned over between classify and load", func(f *faultTest) {
		f.OK("validate", "--run-id", "r1", f.file)
		f.OK("split", "out/r1")
		f.OK("classify", "out/r1")
		flip(f.T, filepath.Join(f.Dir, "out/r1/parts/*/[0-9a-f]*.json"))
		if r := f.expect(fault.ExitData, "load", "out/r1"); !strings.Contains(r.Stderr.String(), "is damaged") {
			f.T.Errorf("load does not say what is damaged:\n%s", r.Stderr.String())
		}
		f.finish()
	}},
	{"rows that vanish", "a chunk's rows are deleted from transactions behind txflow's back", func(f *faultTest) {
		f.goOn()
		f.SQL("DELETE FROM transactions WHERE chunk = (SELECT any(chunk) FROM transactions)")
		f.findings("missing")
		f.repair()
	}},
	{"an entry that vanishes", "one row is deleted from the ledger and from transactions", func(f *faultTest) {
		f.goOn()
		line := f.SQL("SELECT min(position) + 100 FROM outcomes")
		f.SQL("DELETE FROM outcomes WHERE position = %s", line)
		f.SQL("DELETE FROM transactions WHERE position = %s", line)
		f.findings("unaccounted")
		f.repair()
	}},
	{"a category that changes", "one row's category is changed behind txflow's back", func(f *faultTest) {
		f.goOn()
		f.SQL("ALTER TABLE transactions UPDATE category = if(category = 'Rent', 'Food', 'Rent') WHERE position = (SELECT " +
			"max(position) FROM transactions) SETTINGS mutations_sync = 2")
		f.findings("changed")
		f.repair()
	}},
	{"a row that doubles", "one row is entered in the ledger a second time, at another line", func(f *faultTest) {
		f.goOn()
		f.SQL("INSERT INTO outcomes SELECT * REPLACE (toUInt64(999999) AS position) FROM (SELECT * FROM outcomes WHERE " +
			"outcome = 'stored' LIMIT 1)")
		f.findings("doubled")
		f.SQL("DELETE FROM outcomes WHERE position = 999999")
		f.expect(0, "reconcile", "out/r1")
	}},
	{"ClickHouse is killed", "kill -9 of ClickHouse while rows are loaded, and a start again three seconds later",
		func(f *faultTest) {
			ownClickHouse(f, func(platform *harness.Process, again func()) {
				f.API.Slow(20 * time.Millisecond)
				r := f.Start("run", "--run-id", "r1", f.file)
				platform.KillWhen(f.T, "some rows are stored", func() bool { return f.SQL("SELECT count() FROM outcomes") != "0" })
				f.saw = append(f.saw, "a warning in the log for as long as ClickHouse is unavailable")
				<-time.After(3 * time.Second)
				again()
				f.see(r.Wait(f.T), r)
				f.goOn()
			})
		}},
	{"ClickHouse stays unavailable", "ClickHouse is killed and unavailable for longer than --clickhouse-outage",
		func(f *faultTest) {
			ownClickHouse(f, func(platform *harness.Process, again func()) {
				f.OK("validate", "--run-id", "r1", f.file)
				f.OK("split", "out/r1")
				f.OK("classify", "out/r1")
				platform.Kill()
				f.expect(fault.ExitTryAgain, "load", "--clickhouse-outage", "1s", "out/r1")
				again()
				f.finish()
			})
		}},
	{"the disk is full", "there is room for a part of the artifacts only", func(f *faultTest) {
		small := filepath.Join(f.Dir, "out")
		harness.Must(f.T, os.Mkdir(small, 0o755))
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", small).CombinedOutput(); err != nil {
			testtool.Missing(f.T, "a small file system can not be mounted here: %s", out)
		}
		f.T.Cleanup(func() { _ = exec.Command("umount", "-l", small).Run() })
		code, r := f.Run("run", "--run-id", "r1", f.file)
		if code == 0 || !strings.Contains(r.Stderr.String(), "no space left") {
			f.T.Fatalf("exit %d\n%s", code, r.Stderr.String())
		}
		f.see(code, r)
		harness.Must(f.T, exec.Command("mount", "-o", "remount,size=100m", small).Run())
		f.goOn()
	}},
}
