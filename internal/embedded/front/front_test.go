package front_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/andybalholm/brotli"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/txflow/txflow/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

func open(t *testing.T, dsn string, compression clickhouse.Compression) clickhouse.Conn {
	t.Helper()
	opt, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	opt.Compression = &compression
	conn, err := clickhouse.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestClickHouseGo has ClickHouse's own client write and read, with every compression that it knows.
func TestClickHouseGo(t *testing.T) {
	t.Parallel()
	for _, c := range []clickhouse.Compression{{Method: clickhouse.CompressionNone}, {Method: clickhouse.CompressionLZ4},
		{Method: clickhouse.CompressionZSTD, Level: 3},
		{Method: clickhouse.CompressionGZIP, Level: 1}, {Method: clickhouse.CompressionDeflate, Level: 1},
		{Method: clickhouse.CompressionBrotli, Level: 1}} {
		t.Run(c.Method.String(), func(t *testing.T) { clickHouseGo(t, c) })
	}
}

func clickHouseGo(t *testing.T, compression clickhouse.Compression) {
	ctx, dsn := t.Context(), embeddedtest.Database(t)
	conn := open(t, dsn, compression)
	if err := conn.Exec(ctx,
		`CREATE TABLE t (id UUID, d Decimal(18, 4), at DateTime64(6, 'UTC'), lc LowCardinality(String),
		ln LowCardinality(Nullable(String)), e Enum8('debit' = 1, 'credit' = 2), n Nullable(Int64), f FixedString(4), u `+
			`UInt64)
		ENGINE = MergeTree ORDER BY u`); err != nil {
		t.Fatal(err)
	}
	const rows = 100_000
	b, err := conn.PrepareBatch(ctx, "INSERT INTO t")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 2, 29, 12, 0, 0, 123456000, time.UTC)
	merchant := "EDF"
	for i := range rows {
		if err := b.Append(uuid.UUID{byte(i), 15: 1}, "-12.3456", at, "Rent", &merchant, "debit", nil, "abcd",
			uint64(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
	var n, parts uint64
	if err := conn.QueryRow(ctx,
		"SELECT count(), (SELECT count() FROM system.parts WHERE database = currentDatabase() AND active) FROM t").Scan(&n,
		&parts); err != nil || n != rows || parts != 1 {
		t.Fatalf("%d rows in %d parts, %v: one insert must be one part", n, parts, err)
	}
	var id uuid.UUID
	var lc, e, f, d string
	var ln *string
	var null *int64
	var got time.Time
	row := conn.QueryRow(ctx, "SELECT id, toString(d), at, lc, ln, e, n, f FROM t WHERE u = {u:UInt64}",
		clickhouse.Named("u", 7))
	if err := row.Scan(&id, &d, &got, &lc, &ln, &e, &null, &f); err != nil {
		t.Fatal(err)
	}
	if id != (uuid.UUID{7, 15: 1}) || d != "-12.3456" || !got.Equal(at) || lc != "Rent" || *ln != "EDF" || e != "debit" ||
		null != nil || f != "abcd" {
		t.Errorf("got %v %v %v %v %v %v %v %v", id, d, got, lc, *ln, e, null, f)
	}
	var exception *clickhouse.Exception
	if err := conn.Exec(ctx, "SELECT * FROM nowhere"); !errors.As(err, &exception) &&
		!strings.Contains(fmt.Sprint(err), "UNKNOWN_TABLE") {
		t.Errorf("an unknown table gives %v", err)
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, method, target, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func TestLikeCurl(t *testing.T) {
	t.Parallel()
	dsn := embeddedtest.Database(t)
	with := func(params string) string { return dsn + "&" + params }
	embeddedtest.Exec(t, dsn, "SELECT 1")
	for _, tt := range []struct {
		name, method, url, body string
		status                  int
		want                    string
		code                    string
	}{
		{"body", "POST", dsn, "SELECT 1, 'a'", 200, "1\ta\n", ""},
		{"url", "GET", with("query=" + url.QueryEscape("SELECT 1 FORMAT JSONEachRow")), "", 200, "{\"1\":1}\n", ""},
		{"url and body", "POST", with("query=SELECT"), "1", 200, "1\n", ""},
		{"params", "POST", with("param_x=" + url.QueryEscape(`a\tb`)), "SELECT {x:String} AS s FORMAT JSONEachRow", 200,
			"{\"s\":\"a\\tb\"}\n", ""},
		{"setting", "POST", with("max_threads=1"), "SELECT getSetting('max_threads')", 200, "1\n", ""},
		{"setting is gone", "POST", dsn, "SELECT getSetting('max_threads') > 1", 200, "1\n", ""},
		{"unknown setting", "POST", with("no_such=1"), "SELECT 1", 404, "UNKNOWN_SETTING", "115"},
		{"default format", "POST", with("default_format=CSV"), "SELECT 'a'", 200, "\"a\"\n", ""},
		{"syntax", "POST", dsn, "SELEC 1", 400, "SYNTAX_ERROR", "62"},
		{"no table", "POST", dsn, "SELECT * FROM nowhere", 404, "UNKNOWN_TABLE", "60"},
		{"no database", "POST", strings.Replace(dsn, "test_", "nope_", 1), "SELECT 1", 404, "UNKNOWN_DATABASE", "81"},
		{"division", "POST", dsn, "SELECT throwIf(1)", 500, "FUNCTION_THROW_IF", "395"},
		{"wrong user", "POST", with("user=eve"), "SELECT 1", 403, "AUTHENTICATION_FAILED", "516"},
		{"get does not write", "GET", with("query=" + url.QueryEscape("CREATE TABLE x (a Int8) ENGINE = Memory")), "", 500,
			"READONLY", "164"},
		{"create", "POST", dsn, "CREATE TABLE c (a UInt64, b String) ENGINE = MergeTree ORDER BY a", 200, "", ""},
		{"values", "POST", dsn, "INSERT INTO c VALUES (1, 'it''s'), (2, 'FORMAT CSV')", 200, "", ""},
		{"format and data in one text", "POST", dsn, "INSERT INTO c (a, b) FORMAT CSV\n3,\"x\ny\"\n", 200, "", ""},
		{"data in the body", "POST", with("query=" + url.QueryEscape("INSERT INTO c FORMAT JSONEachRow")),
			`{"a": 4, "b": "z"}`, 200, "", ""},
		{"insert select", "POST", dsn, "INSERT INTO c SELECT number + 5, 'n' FROM numbers(2)", 200, "", ""},
		{"all are there", "POST", dsn, "SELECT groupArray(a), groupArray(b) FROM (SELECT * FROM c ORDER BY a)", 200,
			"[1,2,3,4,5,6]\t['it\\'s','FORMAT CSV','x\\ny','z','n','n']\n", ""},
		{"bad data", "POST", dsn, "INSERT INTO c FORMAT CSV\nx,y\n", 400, "CANNOT_PARSE", ""},
		{"json as a whole", "POST", with("default_format=JSONCompact"), "SELECT number FROM numbers(100000)", 200,
			`"rows": 100000`, ""},
		{"nothing", "GET", strings.SplitN(dsn, "?", 2)[0], "", 200, "Ok.\n", ""},
		{"ping", "GET", strings.SplitN(dsn, "?", 2)[0] + "ping", "", 200, "Ok.\n", ""},
		{"no such path", "GET", strings.SplitN(dsn, "?", 2)[0] + "nope", "", 404, "no handle", ""},
		{"method", "DELETE", dsn, "", 405, "", ""},
	} {
		got := send(t, tt.method, tt.url, tt.body)
		if got.status != tt.status || !strings.Contains(got.body, tt.want) || tt.code != "" &&
			got.header.Get("X-ClickHouse-Exception-Code") != tt.code {
			t.Errorf("%s: got %d %q code %s, want %d %q", tt.name, got.status, got.body,
				got.header.Get("X-ClickHouse-Exception-Code"), tt.status, tt.want)
		}
	}
	got := send(t, "POST", with("query_id=q1"), "SELECT 1")
	if got.header.Get("X-ClickHouse-Query-Id") != "q1" || got.header.Get("X-ClickHouse-Format") != "TabSeparated" ||
		got.header.Get("X-ClickHouse-Timezone") != "UTC" {
		t.Errorf("headers: %v", got.header)
	}
}

// TestPackedBodies sends a statement by every compression; half of one is refused and never taken for a whole.
func TestPackedBodies(t *testing.T) {
	t.Parallel()
	dsn := embeddedtest.Database(t)
	embeddedtest.Exec(t, dsn, "CREATE TABLE t (n UInt32) ENGINE = MergeTree ORDER BY n")
	rows := "INSERT INTO t FORMAT TSV\n" + strings.Repeat("1234567\n", 5000)
	for encoding, pack := range map[string]func(io.Writer) io.WriteCloser{
		"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
		"br":      func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
		"zstd":    func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
		"lz4":     func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) },
	} {
		var packed bytes.Buffer
		z := pack(&packed)
		_, _ = io.WriteString(z, rows)
		_ = z.Close()
		if got := send(t, "POST", dsn, packed.String()[:packed.Len()/2], "Content-Encoding",
			encoding); got.status == http.StatusOK {
			t.Errorf("half of a body in %s is taken", encoding)
		}
		if got := send(t, "POST", dsn, packed.String(), "Content-Encoding", encoding); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", encoding, got.status, got.body)
		}
	}
	if got := embeddedtest.Exec(t, dsn, "SELECT count() FROM t"); got != "25000\n" {
		t.Errorf("%s rows are stored, want five times 5000", got)
	}
	if got := send(t, "POST", dsn, "SELECT 1", "Content-Encoding", "snappy"); got.status != http.StatusNotImplemented {
		t.Errorf("an unknown encoding: %d %s", got.status, got.body)
	}
}

func TestGzipResponse(t *testing.T) {
	t.Parallel()
	got := send(t, "POST", embeddedtest.Database(t)+"&enable_http_compression=1", "SELECT number FROM numbers(50000)",
		"Accept-Encoding", "gzip")
	r, err := gzip.NewReader(strings.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil || strings.Count(string(text), "\n") != 50000 {
		t.Errorf("%d lines, %v", strings.Count(string(text), "\n"), err)
	}
}
