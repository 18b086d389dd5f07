package embedded_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/embedded"
)

// attacker tries things at a platform and counts them.
type attacker struct {
	*testing.T
	p     *embedded.Platform
	tried int
}

// reply is an answer to an attack.
type reply struct {
	status int
	body   string
}

func (a *attacker) send(method, target, body string, header ...string) reply {
	a.Helper()
	req, err := http.NewRequestWithContext(a.Context(), method, target, strings.NewReader(body))
	must(a.T, err)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{0, err.Error()}
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, string(text)}
}

// sql runs a statement by POST.
func (a *attacker) sql(text string) reply { return a.send("POST", a.p.ClickHouseURL(), text) }

// get runs a statement by GET.
func (a *attacker) get(text string) reply {
	return a.send("GET", a.p.ClickHouseURL()+"/?query="+url.QueryEscape(text), "")
}

// refused counts an attack whose answer must not be 200.
func (a *attacker) refused(what string, got reply, status ...int) {
	a.Helper()
	a.tried++
	if got.status == http.StatusOK || len(status) > 0 && got.status != status[0] {
		a.Errorf("%s: %d %.200s", what, got.status, got.body)
	}
}

func (a *attacker) check(what string, ok bool) {
	a.Helper()
	a.tried++
	if !ok {
		a.Error(what)
	}
}

// TestAttacks has each kind of attack tried at a running platform. What was tried is what docs/security.md says.
func TestAttacks(t *testing.T) {
	p := start(t, t.TempDir())
	ask(t, "POST", p.ClickHouseURL(), "CREATE DATABASE victim ENGINE = Atomic")
	ask(t, "POST", p.ClickHouseURL(), "CREATE TABLE victim.t (n UInt64) ENGINE = MergeTree ORDER BY n")
	ask(t, "POST", p.ClickHouseURL(), "INSERT INTO victim.t SELECT number FROM numbers(10)")
	var results []result
	for _, attack := range []struct {
		name string
		run  func(*attacker)
	}{
		{"web page of another origin", attackOrigin},
		{"DNS rebinding", attackHost},
		{"SQL reads a file", attackRead},
		{"SQL writes a file", attackWrite},
		{"SQL calls another server or a program", attackNetwork},
		{"GET or HEAD writes", attackReadOnly},
		{"several statements in one request", attackStatements},
		{"SQL ends the platform or its system tables", attackServer},
		{"one request changes another's session", attackSessions},
		{"random bodies, frames, headers and parameters", attackFuzz},
		{"a small body that unpacks to a large one", attackBombs},
		{"clients that stall", attackStalls},
		{"Kafka requests that announce 2 GB", attackKafka},
	} {
		a := &attacker{T: t, p: p}
		held := t.Run(attack.name, func(t *testing.T) { a.T = t; attack.run(a) })
		if got := ask(t, "POST", p.ClickHouseURL(), "SELECT count(), sum(n) FROM victim.t"); got != "10\t45" {
			t.Fatalf("after %s the table holds %s", attack.name, got)
		}
		results = append(results, result{attack.name, a.tried, !held})
	}
	compareReport(t, results)
}

func attackOrigin(a *attacker) {
	for _, base := range []string{a.p.ClickHouseURL() + "/", a.p.RegistryURL() + "/subjects"} {
		for _, header := range [][]string{
			{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", "http://127.0.0.1:1"},
			{"Origin", "http://localhost"},
			{"Origin", base + ".evil.example"}, {"Origin", "http://" + strings.Split(base, "/")[2] + ".evil.example"},
			{"Origin", "file://"},
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode",
				"no-cors", "Sec-Fetch-Dest", "image"},
			{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"},
		} {
			for _, method := range []string{"GET", "POST", "OPTIONS", "HEAD"} {
				a.refused(method+" "+base+strings.Join(header, " "), a.send(method, base, "DROP TABLE victim.t",
					append(header, "Content-Type", "text/plain")...), http.StatusForbidden)
			}
		}
	}
	a.refused("a page posts by navigation", a.send("POST", a.p.ClickHouseURL(), "DROP TABLE victim.t", "Sec-Fetch-Site",
		"cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), http.StatusForbidden)
	if got := a.send("GET", a.p.ClickHouseURL()+"/?query=SELECT+1", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode",
		"navigate", "Sec-Fetch-Dest", "document"); got.body != "1\n" {
		a.Errorf("a link to a query is refused: %v", got)
	}
	if got := a.send("POST", a.p.ClickHouseURL(), "SELECT 1", "Origin", a.p.ClickHouseURL()); got.body != "1\n" {
		a.Errorf("a page of our own is refused: %v", got)
	}
}

func attackHost(a *attacker) {
	for _, base := range []string{a.p.ClickHouseURL() + "/?query=SELECT+1", a.p.RegistryURL() + "/subjects"} {
		for _, host := range []string{"rebind.attacker.example", "rebind.attacker.example:8123", "127.0.0.1.nip.io:8123",
			"localhost.evil.example", "evil", "0x7f000001", "a.localhost.evil"} {
			a.refused(host, a.send("GET", base, "", "Host", host), http.StatusMisdirectedRequest)
		}
		for _, host := range []string{"localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8123", "txflow.localhost"} {
			if got := a.send("GET", base, "", "Host", host); got.status != http.StatusOK {
				a.Errorf("host %s is refused: %v", host, got)
			}
		}
	}
}

// attackRead looks for a planted word in a file of the user.
func attackRead(a *attacker) {
	secret := filepath.Join(a.TempDir(), "secret.txt")
	must(a.T, os.WriteFile(secret, []byte("planted-word\n"), 0o600))
	relative, err := filepath.Rel(mustGetwd(a.T), secret)
	must(a.T, err)
	link := filepath.Join(a.TempDir(), "link")
	must(a.T, os.Symlink(secret, link))
	for _, path := range []string{secret, relative, link, "/proc/self/environ", "/proc/self/cmdline", "/etc/passwd",
		"/etc/hostname"} {
		q := "'" + path + "'"
		for _, sql := range []string{
			"SELECT * FROM file(" + q + ", 'LineAsString', 'l String')", "SELECT file(" + q + ")",
			"SELECT arrayMap(file, [" + q + "])",
			"SELECT COLUMNS('a') APPLY file FROM (SELECT " + q + " AS a)", "SELECT * FROM `" + path + "`",
			"SELECT * FROM format(JSONEachRow, concat('a Int8, b String DEFAULT fi', 'le(''" + path + "'')'), '{\"a\":1}')",
			"SELECT * FROM format(Values, 'n String', '(file(''" + path + "''))')",
			"SELECT *, b FROM values('a Int8, b String ALIAS file(''" + path + "'')', 1)",
			"INSERT INTO FUNCTION null('a Int8, b UInt8 DEFAULT toUInt8(file(''" + path + "''))') (a) SELECT 1",
			"SELECT 1 FORMAT Template SETTINGS format_template_resultset = " + q,
			"SELECT 1 FORMAT CapnProto SETTINGS format_schema = " + q + ", format_schema_source = 'file'",
			"INSERT INTO victim.t FROM INFILE " + q + " FORMAT LineAsString", "CREATE DATABASE fs ENGINE = Filesystem('/')",
			"\\i " + path,
			"ATTACH TABLE victim.stolen FROM " + q + " (n UInt8) ENGINE = Log",
			"CREATE TABLE victim.f (l String) ENGINE = File(LineAsString, " + q + ")",
			"SELECT * FROM sqlite(" + q + ", 't')", "SELECT * FROM icebergLocal(" + q + ")", "SELECT * FROM filesystem('/')",
			"DESCRIBE file(" + q + ")",
			"CREATE DICTIONARY victim.d (l String) PRIMARY KEY l SOURCE(FILE(path " + q +
				" format 'LineAsString')) LAYOUT(FLAT()) LIFETIME(0)",
		} {
			got := a.sql(sql)
			a.check(fmt.Sprintf("%s: %d %.200s", sql, got.status, got.body), got.status != http.StatusOK &&
				!strings.Contains(got.body, "planted-word") && !strings.Contains(got.body, "root:x:"))
		}
	}
	// Rows may hold expressions too.
	must200(a.T, a.sql("CREATE TABLE victim.words (w String) ENGINE = Memory"))
	for _, insert := range []string{"INSERT INTO victim.words VALUES (file('" + secret + "'))",
		"INSERT INTO victim.words FORMAT Values (file('" + secret + "'))",
		"INSERT INTO victim.words SELECT file('" + secret + "')"} {
		a.refused(insert, a.sql(insert))
	}
	a.check("a word of the file is stored", a.sql("SELECT count() FROM victim.words").body == "0\n")
}

func attackWrite(a *attacker) {
	dir := a.TempDir()
	tool := filepath.Join(dir, "tool")
	must(a.T, os.WriteFile(tool, []byte("kept"), 0o755))
	for _, path := range []string{tool, filepath.Join(dir, "new"), filepath.Join(dir, "folder", "new")} {
		q := "'" + path + "'"
		for _, sql := range []string{
			"INSERT INTO FUNCTION file(" + q +
				", 'LineAsString', 'l String') SETTINGS engine_file_truncate_on_insert = 1 SELECT 'x'",
			"SELECT 1 INTO OUTFILE " + q, "SELECT 1 INTO OUTFILE " + q + " TRUNCATE", "SELECT 1 INTO OUTFILE " + q +
				" APPEND AND STDOUT", "SELECT 1 /**/ INTO /**/ OUTFILE /**/ " + q + " FORMAT TSVRaw",
			"EXPLAIN SELECT 1 INTO OUTFILE " + q, "EXPLAIN AST SELECT 1 INTO OUTFILE " + q,
			"EXPLAIN AST SYSTEM FLUSH LOGS INTO OUTFILE " + q, "SHOW TABLES INTO OUTFILE " + q,
			"DESCRIBE victim.t INTO OUTFILE " + q, "SHOW TABLES -- x\n INTO OUTFILE " + q, "(SELECT 1) INTO OUTFILE " + q,
			"SELECT 1 into outfile $$" + path + "$$",
			"BACKUP TABLE victim.t TO File(" + q + ")", "BACKUP TABLE victim.t TO Disk('default', " + q + ")",
			"CREATE TABLE victim.rocks (n UInt8) ENGINE = EmbeddedRocksDB(0, " + q + ") PRIMARY KEY n",
			"CREATE TABLE victim.disk (n UInt8) ENGINE = MergeTree ORDER BY n SETTINGS disk = disk(type = 'local', path = " + q +
				")",
			"CREATE TABLE victim.disk (n UInt8) ENGINE = MergeTree ORDER BY n SETTINGS disk = disk(type = 'object_storage', " +
				"object_storage_type = 'local_blob_storage', metadata_type = 'local', path = " + q + ")",
			"ALTER TABLE victim.t MODIFY SETTING disk = disk(type = 'object_storage', object_storage_type = " +
				"'local_blob_storage', metadata_type = 'local', path = " + q + ")",
			"CREATE DATABASE disk ENGINE = Atomic SETTINGS disk = disk(type = 'object_storage', object_storage_type = " +
				"'local_blob_storage', metadata_type = 'local', path = " + q + ")",
			"CREATE DATABASE lite ENGINE = SQLite(" + q + ")",
		} {
			a.refused(sql, a.sql(sql))
			a.refused("GET "+sql, a.get(sql))
		}
	}
	left, err := os.ReadDir(dir)
	must(a.T, err)
	content, err := os.ReadFile(tool)
	a.check(fmt.Sprintf("the folder holds %v, the tool %q, %v", left, content, err), len(left) == 1 &&
		string(content) == "kept")
}

func attackNetwork(a *attacker) {
	var asked sync.Once
	seen := ""
	trap := httpTrap(a.T, func(r *http.Request) { asked.Do(func() { seen = r.URL.String() }) })
	address := strings.TrimPrefix(trap, "http://")
	for _, sql := range []string{
		"SELECT * FROM url('" + trap + "', 'LineAsString', 'l String')", "INSERT INTO FUNCTION url('" + trap +
			"', 'TSV', 'n Int8') SELECT 1",
		"SELECT * FROM remote('" + address + "', system.one)", "SELECT * FROM remoteSecure('" + address + "', system.one)",
		"SELECT * FROM s3('" + trap + "/buck/x', 'CSV', 'a String')",
		"SELECT * FROM gcs('" + trap + "/buck/x', 'CSV', 'a String')", "SELECT * FROM mysql('" + address +
			"', 'a', 'b', 'c', 'd')", "SELECT * FROM postgresql('" + address + "', 'a', 'b', 'c', 'd')",
		"SELECT * FROM mongodb('" + address + "', 'a', 'b', 'c', 'd', 'x String')", "SELECT * FROM redis('" + address +
			"', 'k', 'k String, v String')",
		"SELECT * FROM hdfs('hdfs://" + address + "/x', 'TSV', 'a String')", "SELECT * FROM azureBlobStorage('" + trap +
			"', 'c', 'x', 'a', 'b', 'CSV', 'auto', 'a String')",
		"SELECT * FROM jdbc('x', 'y', 'z')", "SELECT * FROM odbc('x', 'y', 'z')",
		"SELECT * FROM executable('x.sh', 'TSV', 'a String')", "SELECT * FROM executable('/bin/sh', 'TSV', 'a String')",
		"CREATE TABLE victim.u (n UInt8) ENGINE = URL('" + trap + "', CSV)",
		"CREATE TABLE victim.x (n UInt8) ENGINE = Distributed(default, system, one)",
		"CREATE TABLE victim.x (n UInt8) ENGINE = MySQL('" + address + "', 'a', 'b', 'c', 'd')",
		"CREATE DATABASE my ENGINE = MySQL('" + address + "', 'a', 'b', 'c')",
		"CREATE TABLE victim.web (n UInt8) ENGINE = MergeTree ORDER BY n SETTINGS disk = disk(type = 'web', endpoint = '" +
			trap + "/')",
		"CREATE DICTIONARY victim.d (l String) PRIMARY KEY l SOURCE(HTTP(url '" + trap +
			"' format 'TSV')) LAYOUT(FLAT()) LIFETIME(0)",
		"CREATE DICTIONARY victim.d (l String) PRIMARY KEY l SOURCE(EXECUTABLE(command 'id' format 'TSV')) LAYOUT(FLAT()) " +
			"LIFETIME(0)",
	} {
		a.refused(sql, a.sql(sql))
	}
	a.check("the engine called "+seen, seen == "")
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	must(t, err)
	return dir
}

func must200(t *testing.T, got reply) {
	t.Helper()
	if got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
}

// httpTrap is a server that nobody should call.
func httpTrap(t *testing.T, called func(*http.Request)) string {
	t.Helper()
	l := listenLocal(t)
	server := &http.Server{ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called(r) })}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String()
}
