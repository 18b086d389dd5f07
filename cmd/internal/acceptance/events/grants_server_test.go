//go:build !noembed

// Package events tests business events end to end: from POST /collect to gold.
package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/internal/embedded/engine"
	"github.com/txflow/txflow/internal/embedded/front"
)

// serverOf makes the test binary a ClickHouse whose only user has the rights of a user of the Docker stack's server.
const serverOf = "TXFLOW_TEST_SERVER_OF"

func TestMain(m *testing.M) {
	if user := os.Getenv(serverOf); user != "" {
		if err := serveAs(user, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	harness.Main(m)
}

// section is an element of a configuration, without its comments.
func section(text, name string) string {
	text = regexp.MustCompile(`(?s)<!--.*?-->`).ReplaceAllString(text, "")
	return regexp.MustCompile(`(?s)<` + name + `>.*?</` + name + `>`).FindString(text)
}

// accessOf is the configuration of clickhouse/server with a user of it by the engine's only name.
func accessOf(user, folder string) (config, users string, err error) {
	server := filepath.Join(os.Getenv("TXFLOW_TEST_REPOSITORY"), "clickhouse", "server")
	text, err := os.ReadFile(filepath.Join(server, "users.xml"))
	if err != nil {
		return "", "", err
	}
	// A connection of the engine that served a statement forgets the profile's readonly, which then could not be set.
	profiles := strings.Replace(section(string(text), "profiles"), "<readonly><const/></readonly>", "", 1)
	rights := section(string(text), user)
	if text, err = os.ReadFile(filepath.Join(server, "config.xml")); err != nil {
		return "", "", err
	}
	required := section(string(text), "access_control_improvements")
	if profiles == "" || rights == "" || required == "" {
		return "", "", fmt.Errorf("the configuration of %s is not found: %q, %q, %q", user, profiles, rights, required)
	}
	// Connections of the engine begin in the database default, which a server asks nobody about.
	rights = strings.NewReplacer("<"+user+">", "<default><password></password>", "</"+user+">", "</default>",
		"</grants>", "<query>GRANT SHOW DATABASES ON default.*</query></grants>").Replace(rights)
	return "<clickhouse><user_directories><users_xml><path>" + folder +
			"/users.xml</path></users_xml></user_directories>" +
			required + "<background_message_broker_schedule_pool_size>16</background_message_broker_schedule_pool_size>" +
			"</clickhouse>", // a server's own default, which the engine as a library has not
		"<clickhouse>" + strings.Replace(profiles, "<profiles>", "<profiles><default/>", 1) +
			"<quotas><default/></quotas><users>" + rights + "</users></clickhouse>", nil
}

// serveAs serves ClickHouse's engine over a folder until SIGTERM.
func serveAs(user, folder string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	config, users, err := accessOf(user, folder)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"config.xml": config, "users.xml": users} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	lib, err := embedded.EnsureEngine(ctx, os.Stderr)
	if err != nil {
		return err
	}
	e, err := engine.Open(lib, filepath.Join(folder, "data"), 4, 16, "--config-file="+filepath.Join(folder, "config.xml"),
		"--log-level=none")
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: systemTables(users, front.New(e, "")), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // until it is closed
	fmt.Printf("CLICKHOUSE_URL=http://%s\n", listener.Addr())
	<-ctx.Done()
	_ = server.Close()
	return e.Close(10 * time.Second)
}

// openToAll are the tables of the database system that a server lets each user read; the engine as a library asks for
// no right to any.
var openToAll = strings.Fields(`one contributors licenses time_zones collations formats privileges data_type_families
database_engines table_engines table_functions disk_types dictionary_layouts aggregate_function_combinators completions
functions databases tables columns settings current_roles enabled_roles quota_usage`)

var systemTable = regexp.MustCompile(`\bsystem\.(\w+)`)

// systemTables refuses statements about other tables of the system than the user's grants name, as a server does.
func systemTables(users string, next http.Handler) http.Handler {
	granted := map[string]bool{}
	for _, grant := range systemTable.FindAllStringSubmatch(users, -1) {
		granted[grant[1]] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first := make([]byte, 1<<16)
		n, err := io.ReadFull(r.Body, first)
		if err == nil || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			first = first[:n]
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(first), r.Body))
		}
		for _, table := range systemTable.FindAllStringSubmatch(r.URL.Query().Get("query")+" "+string(first), -1) {
			if !granted[table[1]] && !slices.Contains(openToAll, table[1]) {
				w.Header().Set("X-ClickHouse-Exception-Code", "497")
				http.Error(w, "Code: 497. DB::Exception: Not enough privileges. To execute this query, it's necessary to have "+
					"the grant SELECT ON system."+table[1]+". (ACCESS_DENIED)", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
