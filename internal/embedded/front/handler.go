// Package front speaks ClickHouse's HTTP interface for the embedded engine, so that curl, clickhouse-go and any other
// ClickHouse client work against it.
package front

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/txflow/txflow/internal/embedded/engine"
)

// Handler answers for an engine.
type Handler struct {
	engine    *engine.Engine
	password  string
	preparing atomic.Bool
	requests  chan struct{} // a place for each that is worked on
}

// New makes the handler. A password that is not empty must come with every statement.
func New(e *engine.Engine, password string) *Handler {
	return &Handler{engine: e, password: password, requests: make(chan struct{}, maxRequests)}
}

// maxRequests bounds the memory that requests take while they are read.
const maxRequests = 512

// Preparing makes /ping answer 503: statements are run already, but callers should wait.
func (h *Handler) Preparing(on bool) { h.preparing.Store(on) }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-ClickHouse-Server-Display-Name", displayName)
	header.Set("X-ClickHouse-Timezone", "UTC")
	switch {
	case r.URL.Path == "/ping" && h.preparing.Load():
		http.Error(w, "the tables are being made", http.StatusServiceUnavailable)
		return
	case r.URL.Path == "/ping" || r.URL.Path == "/replicas_status":
		header.Set("Content-Type", "text/plain; charset=UTF-8")
		_, _ = io.WriteString(w, "Ok.\n")
		return
	case r.URL.Path != "/" && r.URL.Path != "/query":
		http.Error(w, "There is no handle "+r.URL.Path+
			"\n\nUse / or /ping for health checks.\nOr POST queries to /, for example with curl -d 'SELECT 1'",
			http.StatusNotFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodHead:
		http.Error(w, "use GET or POST", http.StatusMethodNotAllowed)
		return
	}
	select {
	case h.requests <- struct{}{}:
		defer func() { <-h.requests }()
	default:
		writeError(w, &engine.Error{Code: 202, Message: "Code: 202. DB::Exception: Too many simultaneous queries. " +
			"(TOO_MANY_SIMULTANEOUS_QUERIES)"})
		return
	}
	q, err := h.readRequest(w, r)
	defer q.close()
	if err == nil {
		header.Set("X-ClickHouse-Query-Id", q.id)
		err = h.serve(w, r, q)
	}
	if err != nil {
		writeError(w, err)
	}
}

// serve runs the request's statement.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, q *request) error {
	if q.text == "" && q.rest == nil {
		_, _ = io.WriteString(w, "Ok.\n")
		return nil
	}
	s := parse(q.text)
	if isHandshake(q.text) {
		return writeHandshake(w, q.packer)
	}
	if r.Method != http.MethodPost && q.statement.Settings["readonly"] != "1" {
		q.statement.Settings["readonly"] = "2" // as a server has it for GET: nothing is written, settings may be given
	}
	if s.kind == insert {
		return h.insert(w, r, q, s)
	}
	if q.rest != nil { // only an insert's data may be longer
		return errTextTooLong
	}
	found, err := h.inspect(r.Context(), q.text)
	if err != nil {
		return err
	}
	if r.Method != http.MethodPost && found.Starts("SYSTEM", "KILL") { // readonly leaves them out
		return &engine.Error{Code: 164,
			Message: "Code: 164. DB::Exception: Cannot execute query in readonly mode: use POST. (READONLY)"}
	}
	q.statement.SQL, q.statement.Inspection = s.sql, found
	if found.Starts("INSERT") {
		if !found.Has("SELECT") {
			return errInsertNotUnderstood // its data would be looked for in the text
		}
		q.statement.SQL = found.SQL
	}
	format := q.format
	if s.format != "" {
		format = s.format
	}
	q.statement.Format = q.format
	out := &response{w: w, format: format, packer: q.packer}
	if s.kind == query && streams[strings.ToLower(format)] && r.Method != http.MethodHead {
		stats, err := h.engine.Query(r.Context(), q.statement, out.write)
		return out.finish(stats, err)
	}
	result, stats, err := h.engine.Exec(r.Context(), q.statement)
	if err == nil && len(result) > 0 {
		err = out.write(result)
	}
	return out.finish(stats, err)
}

// inspect has the engine's parser read a text: one statement, that neither reads nor writes files on the way. Grants do
// not cover those two clauses, since a server leaves them to its client.
func (h *Handler) inspect(ctx context.Context, text string) (*engine.Inspection, error) {
	found, err := h.engine.Inspect(ctx, text)
	if err == nil && (found.Has("OUTFILE") || found.Has("INFILE")) {
		return nil, &engine.Error{Code: 497, Message: "Code: 497. DB::Exception: default: Not enough privileges. " +
			"INTO OUTFILE and FROM INFILE are for clients: send or read the data by HTTP. (ACCESS_DENIED)"}
	}
	return found, err
}

var errInsertNotUnderstood = &engine.Error{Code: 62, Message: "Code: 62. DB::Exception: Syntax error: " +
	"the FORMAT or VALUES of this INSERT was not found: write it without comments in front. (SYNTAX_ERROR)"}

// insert streams the data into the engine. A body that breaks off stores nothing.
func (h *Handler) insert(w http.ResponseWriter, r *http.Request, q *request, s statement) error {
	if r.Method != http.MethodPost {
		return &engine.Error{Code: 164, Message: "Code: 164. DB::Exception: Cannot insert with GET: use POST. (READONLY)"}
	}
	format := " FORMAT " + s.format
	found, err := h.inspect(r.Context(), s.sql+format)
	if err != nil {
		return err
	}
	sql, ok := strings.CutSuffix(found.SQL, format)
	if !ok || !found.Starts("INSERT") {
		return errInsertNotUnderstood
	}
	q.statement.SQL, q.statement.Format, q.statement.Inspection = sql, s.format, found
	data := io.Reader(strings.NewReader(s.data))
	if q.rest != nil {
		data = io.MultiReader(data, q.rest)
	}
	stats, err := h.engine.Insert(r.Context(), q.statement, data)
	out := &response{w: w, format: q.format, packer: q.packer}
	return out.finish(stats, err)
}

// streams are the formats whose pieces may be concatenated; others are made as a whole.
var streams = map[string]bool{
	"native": true, "tabseparated": true, "tsv": true, "tabseparatedraw": true, "tsvraw": true, "csv": true,
	"jsoneachrow": true,
	"jsonlines":   true, "ndjson": true, "jsoncompacteachrow": true, "rowbinary": true, "null": true,
	"jsonstringseachrow": true,
	"linesasstring":      true, "rawblob": true,
}

// response writes a result, once its first piece is there: an error before it still gets its status.
type response struct {
	w       http.ResponseWriter
	format  string
	packer  packer
	started bool
	to      io.Writer
	end     func() error
}

func (o *response) start() {
	if o.started {
		return
	}
	o.started = true
	header := o.w.Header()
	header.Set("X-ClickHouse-Format", o.format)
	header.Set("Content-Type", contentType(o.format))
	o.to, o.end = o.packer.pack(o.w)
}

func (o *response) write(piece []byte) error {
	o.start()
	// A client that does not read must not hold a connection for good. Not every writer knows deadlines.
	_ = http.NewResponseController(o.w).SetWriteDeadline(time.Now().Add(maxStall))
	_, err := o.to.Write(piece)
	return err
}

// finish ends the response. An error after the first piece can only break the connection off, so that no client takes
// half a result for a whole one; ClickHouse writes the exception's text before.
func (o *response) finish(stats engine.Stats, err error) error {
	if err != nil {
		if !o.started {
			return err
		}
		_ = o.write([]byte("\n" + err.Error()))
		panic(http.ErrAbortHandler)
	}
	if !o.started {
		o.w.Header().Set("X-ClickHouse-Summary", summary(stats))
		o.start()
	}
	if err := o.end(); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
	return nil
}

func summary(s engine.Stats) string {
	return fmt.Sprintf(`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","written_bytes":"0",`+
		`"total_rows_to_read":"0","result_rows":"%d","result_bytes":"0"}`,
		s.RowsRead, s.BytesRead, s.RowsWritten, s.RowsWritten)
}

func contentType(format string) string {
	switch f := strings.ToLower(format); {
	case f == "json" || f == "jsoncompact" || f == "jsonstrings":
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(f, "json") || f == "ndjson":
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(f, "csv"):
		return "text/csv; charset=UTF-8"
	case strings.HasPrefix(f, "tabseparated") || strings.HasPrefix(f, "tsv"):
		return "text/tab-separated-values; charset=UTF-8"
	case f == "native" || strings.HasPrefix(f, "rowbinary") || f == "parquet" || f == "arrow":
		return "application/octet-stream"
	}
	return "text/plain; charset=UTF-8"
}
