package batch

import (
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
)

// mlOutage is how long the ML API is unavailable before it comes back: long for the report, short for every day.
func mlOutage() time.Duration {
	if os.Getenv("TXFLOW_FAULT_REPORT") != "" {
		return 30 * time.Second
	}
	return 3 * time.Second
}

// faultsOfMLAPI are what the ML API, or what is before it, may do.
var faultsOfMLAPI = []faultCase{
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
}
