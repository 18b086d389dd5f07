package embedded_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/testtool"
)

func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	return l
}

// residentMiB is this process's memory, of which the engine is a part.
func residentMiB(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		testtool.Missing(t, "memory is measured on Linux only: %v", err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	must(t, err)
	return pages * os.Getpagesize() >> 20
}

// attackBombs sends a body that unpacks to a thousand times its size, as a statement and as rows. TXFLOW_BOMB_MIB is
// the size of what it unpacks to.
func attackBombs(a *attacker) {
	unpacked := 256 << 20
	if text := os.Getenv("TXFLOW_BOMB_MIB"); text != "" {
		n, err := strconv.Atoi(text)
		must(a.T, err)
		unpacked = n << 20
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	must(a.T, err)
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	for range unpacked / len(spaces) {
		_, err := z.Write(spaces)
		must(a.T, err)
	}
	must(a.T, z.Close())
	must200(a.T, a.sql("CREATE TABLE IF NOT EXISTS victim.bomb (s String) ENGINE = MergeTree ORDER BY tuple()"))
	before := residentMiB(a.T)
	a.refused("a statement", a.send("POST", a.p.ClickHouseURL(), packed.String(), "Content-Encoding", "gzip"),
		http.StatusRequestEntityTooLarge)
	a.refused("after a SELECT", a.send("POST", a.p.ClickHouseURL()+"/?query=SELECT", packed.String(), "Content-Encoding",
		"gzip"), http.StatusRequestEntityTooLarge)
	if now := residentMiB(a.T); now > before+256 {
		a.Errorf("statements took %d MiB", now-before)
	}
	for _, format := range []string{"TSV", "CSV", "JSONEachRow", "RowBinary", "Native", "LineAsString", "Values"} {
		started := time.Now()
		got := a.send("POST", a.p.ClickHouseURL()+"/?query="+url.QueryEscape("INSERT INTO victim.bomb FORMAT "+format),
			packed.String(), "Content-Encoding", "gzip")
		now := residentMiB(a.T)
		a.Logf("%s: %d in %s, %d MiB resident, %d before", format, got.status, time.Since(started).Round(time.Millisecond),
			now, before)
		a.check(fmt.Sprintf("%s: %d MiB resident, %d before: %.100s", format, now, before, got.body),
			now < before+min(6*unpacked>>20, 4096))
	}
	a.check("no answer afterwards", a.sql("SELECT 1").body == "1\n")
}

// attackStalls holds inserts open that send next to nothing; others go on.
func attackStalls(a *attacker) {
	host := strings.TrimPrefix(a.p.ClickHouseURL(), "http://")
	for _, first := range []int{1, 70 << 10} { // less and more than is read before a connection is taken
		for range 40 {
			c, err := net.Dial("tcp", host)
			must(a.T, err)
			defer func() { _ = c.Close() }()
			_, err = fmt.Fprintf(c, "POST /?query=%s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "+
				"chunked\r\n\r\n%x\r\n%s\r\n", url.QueryEscape("INSERT INTO victim.t FORMAT TSV"), first,
				strings.Repeat("1", first))
			must(a.T, err)
		}
		for range 10 {
			client := http.Client{Timeout: time.Minute}
			resp, err := client.Post(a.p.ClickHouseURL(), "text/plain", strings.NewReader("SELECT 1"))
			a.check(fmt.Sprintf("a query waits for stalled clients: %v", err), err == nil)
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		}
	}
}

// TestCloseEndsWhatRuns stops a platform on which queries run, inserts stall and results are not read.
func TestCloseEndsWhatRuns(t *testing.T) {
	p := start(t, t.TempDir())
	ask(t, "POST", p.ClickHouseURL(), "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
	host := strings.TrimPrefix(p.ClickHouseURL(), "http://")
	hold := func(text string) {
		c, err := net.Dial("tcp", host)
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = io.WriteString(c, text)
		must(t, err)
	}
	for _, sql := range []string{"SELECT sum(cityHash64(number)) FROM numbers(1000000000000)",
		"SELECT number FROM numbers(1000000000000)", "SELECT sleepEachRow(3) FROM numbers(100) SETTINGS max_block_size = 1",
		"INSERT INTO t SELECT number FROM numbers(1000000000000)"} {
		hold(fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(sql), sql))
	}
	for range 4 {
		hold("POST /?query=INSERT+INTO+t+FORMAT+TSV HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " +
			"chunked\r\n\r\n11000\r\n" + strings.Repeat("1", 0x11000) + "\r\n")
	}
	deadline := time.Now().Add(2 * time.Minute)
	for ask(t, "POST", p.ClickHouseURL(), "SELECT count() >= 4 FROM system.processes") != "1" {
		if time.Now().After(deadline) {
			t.Fatal("the statements do not run: ", ask(t, "POST", p.ClickHouseURL(), "SELECT query FROM system.processes"))
		}
	}
	started := time.Now()
	stop(t, p)
	if took := time.Since(started); took > time.Minute {
		t.Errorf("the platform took %s to end", took)
	}
}

// attackKafka opens connections that announce more than they send; the broker goes on.
func attackKafka(a *attacker) {
	before := residentMiB(a.T)
	for _, announced := range []uint32{1<<31 - 1, 1<<32 - 1, 101 << 20, 99 << 20} {
		for range 300 {
			c, err := net.Dial("tcp", a.p.KafkaAddr())
			must(a.T, err)
			_, err = c.Write(append(binary.BigEndian.AppendUint32(nil, announced), make([]byte, 100)...))
			must(a.T, err)
			defer func() { _ = c.Close() }()
		}
		// What is refused is closed at once, and what waits for the rest stays open.
		now := residentMiB(a.T)
		a.tried += 299
		a.check(fmt.Sprintf("300 announcements of %d bytes took %d MiB", announced, now-before), now < before+700)
	}
}
