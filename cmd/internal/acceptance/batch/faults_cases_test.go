package batch

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/testtool"
)

// mlOutage is how long the ML API is unavailable before it comes back: long for the report, short for every day.
func mlOutage() time.Duration {
	if os.Getenv("TXFLOW_FAULT_REPORT") != "" {
		return 30 * time.Second
	}
	return 3 * time.Second
}

var faults = []faultCase{
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
	{"ML API answers 500", "three of ten calls answer 500", func(f *faultTest) {
		var n atomic.Int64
		f.API.HarmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
			if n.Add(1)%10 < 3 {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			honest.ServeHTTP(w, r)
		})
		f.goOn()
	}},
	{"ML API is overloaded", "a third of the calls answer 429 with Retry-After: 1", func(f *faultTest) {
		var n atomic.Int64
		f.API.HarmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
			if i := n.Add(1); i%3 == 0 && i < 30 {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			honest.ServeHTTP(w, r)
		})
		f.goOn()
	}},
	{"ML API hangs", "one call in ten is never answered; calls are given up after 300 ms", func(f *faultTest) {
		var n atomic.Int64
		f.API.HarmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
			if n.Add(1)%10 == 0 {
				<-r.Context().Done()
				return
			}
			honest.ServeHTTP(w, r)
		})
		f.Env = append(f.Env, "TXFLOW_CALL_TIMEOUT=300ms")
		f.goOn()
	}},
	{"ML API comes back", "the API breaks connections off for " + mlOutage().String() + ", which is less than --ml-outage",
		func(f *faultTest) {
			until := time.Now().Add(mlOutage())
			f.API.HarmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
				if time.Now().Before(until) {
					harness.HangUp(w)
					return
				}
				honest.ServeHTTP(w, r)
			})
			f.goOn()
		}},
	{"ML API stays unavailable", "the API is unavailable for longer than --ml-outage, in the middle of the run",
		func(f *faultTest) {
			var n atomic.Int64
			f.API.HarmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
				if n.Add(1) > 10 {
					harness.HangUp(w)
					return
				}
				honest.ServeHTTP(w, r)
			})
			f.expect(fault.ExitTryAgain, "run", "--run-id", "r1", "--ml-outage", "1s", f.file)
			f.noDeadLetters()
			f.API.Harm.Store(nil)
			f.goOn()
		}},
	{"ML API leaves answers out", "every fourth answer lacks its last item", func(f *faultTest) {
		var n atomic.Int64
		f.API.HarmWith(every(4, &n, func(answers []map[string]any) []map[string]any { return answers[:len(answers)-1] }))
		f.goOn()
	}},
	{"ML API answers too much", "every fourth answer has an item nobody asked for", func(f *faultTest) {
		var n atomic.Int64
		f.API.HarmWith(every(4, &n, func(answers []map[string]any) []map[string]any { return append(answers, answers[0]) }))
		f.goOn()
	}},
	{"ML API mixes ids up", "every fourth answer has a stranger's id", func(f *faultTest) {
		var n atomic.Int64
		f.API.HarmWith(every(4, &n, func(answers []map[string]any) []map[string]any {
			answers[0]["transaction_id"] = "00000000-0000-0000-0000-000000000000"
			return answers
		}))
		f.goOn()
	}},
	{"ML API answers in another order", "every answer is reversed, which the contract allows", func(f *faultTest) {
		var n atomic.Int64
		f.API.HarmWith(every(1, &n, func(answers []map[string]any) []map[string]any {
			for i, j := 0, len(answers)-1; i < j; i, j = i+1, j-1 {
				answers[i], answers[j] = answers[j], answers[i]
			}
			return answers
		}))
		f.goOn()
	}},
	{"a proxy answers HTML", "every fourth answer is a page with status 200", func(f *faultTest) {
		var n atomic.Int64
		f.API.HarmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
			if n.Add(1)%4 == 0 {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte("<html>Please log in</html>"))
				return
			}
			honest.ServeHTTP(w, r)
		})
		f.goOn()
	}},
	{"a proxy answers 400", "a proxy before the API refuses every call with a plain 400", func(f *faultTest) {
		f.API.HarmWith(func(w http.ResponseWriter, _ *http.Request, _ []byte, _ http.Handler) {
			http.Error(w, "upstream request header too large", http.StatusBadRequest)
		})
		f.expect(fault.ExitUnavailable, "run", "--run-id", "r1", f.file)
		f.noDeadLetters()
		f.API.Harm.Store(nil)
		f.goOn()
	}},
	{"ML API refuses everything", "in the middle of the run the API begins to answer 422 to every row",
		func(f *faultTest) {
			var n atomic.Int64
			f.API.HarmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
				if n.Add(1) > 10 {
					harness.RefuseAll(w)
					return
				}
				honest.ServeHTTP(w, r)
			})
			f.expect(fault.ExitTryAgain, "run", "--run-id", "r1", f.file)
			f.noDeadLetters()
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
