// Package store writes txflow's rows to ClickHouse and reads them back, over clickhouse-go: natively or by HTTP, as the
// DSN says.
//
// A statement that reads or changes the rows of txflow's tables is a file below sql, in the folder of its subject, and
// so is one of several lines about the server. Values go in as parameters. In the code are inserts of blocks, which are
// made from their columns; statements that define something (CREATE, ALTER, DETACH, GRANT …), where ClickHouse takes no
// parameters; and questions of one line about the server.
package store

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/txflow/txflow/internal/authority"
	"github.com/txflow/txflow/internal/retry"
	"github.com/txflow/txflow/internal/secret"
)

// DefaultDatabase holds txflow's tables where the URL names no other.
const DefaultDatabase = "txflow"

// Config says where ClickHouse is, and how patient to be.
type Config struct {
	URL         secret.URL    // http://, https:// or clickhouse://, with ?database=
	OutageLimit time.Duration // how long to wait for ClickHouse; <= 0: not at all; < 0: errors say what to start
	Log         *slog.Logger  // logs every wait; nil logs nothing
	ReadOnly    *Bounds       // the store only reads, within these bounds; nil: it does everything
}

// Store is a pool of connections. It is safe for concurrent use.
type Store struct {
	conn    driver.Conn
	options clickhouse.Options
	where   string // the address, for messages
	outage  time.Duration
	log     *slog.Logger
	outages retry.Notice
}

// Open parses the URL; it does not connect. User and password may be in CLICKHOUSE_USER and CLICKHOUSE_PASSWORD, or
// in the file that CLICKHOUSE_PASSWORD_FILE names, which keeps them off command lines. CLICKHOUSE_CA_FILE names
// certificates that may vouch for the server, beside the system's.
func Open(cfg Config) (*Store, error) {
	opt, err := options(cfg.URL.Reveal())
	if err != nil {
		return nil, err
	}
	if cfg.ReadOnly != nil {
		if opt.Settings == nil {
			opt.Settings = clickhouse.Settings{}
		}
		maps.Copy(opt.Settings, cfg.ReadOnly.settings())
	}
	conn, err := clickhouse.Open(opt)
	if err != nil {
		return nil, fault.Failf(fault.ExitUsage, "the URL of ClickHouse: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{conn: conn, options: *opt, where: strings.Join(opt.Addr, ","), outage: cfg.OutageLimit, log: cfg.Log},
		nil
}

// schemes that the driver knows.
var schemes = []string{"http", "https", "clickhouse", "tcp"}

func options(text string) (*clickhouse.Options, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		return nil, fault.Failf(fault.ExitUsage,
			"the URL of ClickHouse must be like http://127.0.0.1:8123 or clickhouse://host:9000")
	}
	if u.Scheme == "https" && !u.Query().Has("secure") {
		query := u.Query()
		query.Set("secure", "true") // the driver wants it said twice
		u.RawQuery = query.Encode()
		text = u.String()
	}
	opt, err := clickhouse.ParseDSN(text)
	if err != nil {
		var inURL *url.Error
		if errors.As(err, &inURL) {
			err = inURL.Err // without the URL, which may hold a password
		}
		return nil, fault.Failf(fault.ExitUsage, "the URL of ClickHouse: %w", err)
	}
	if opt.Auth.Database == "" || opt.Auth.Database == "default" && !strings.Contains(text, "default") {
		opt.Auth.Database = DefaultDatabase
	}
	if user := os.Getenv("CLICKHOUSE_USER"); user != "" && u.User == nil {
		opt.Auth.Username = user
	}
	if password := os.Getenv("CLICKHOUSE_PASSWORD"); password != "" && opt.Auth.Password == "" {
		opt.Auth.Password = password
	}
	if opt.TLS != nil {
		opt.TLS.MinVersion = tls.VersionTLS12
		if file := os.Getenv("CLICKHOUSE_CA_FILE"); file != "" {
			if opt.TLS.RootCAs, err = authority.Pool(file); err != nil {
				return nil, fault.Failf(fault.ExitUsage, "ClickHouse's certificate authority (CLICKHOUSE_CA_FILE): %w", err)
			}
		}
	}
	if file := os.Getenv("CLICKHOUSE_PASSWORD_FILE"); file != "" && opt.Auth.Password == "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fault.WithHint(fault.Failf(fault.ExitUsage, "ClickHouse's password: %w", err),
				"CLICKHOUSE_PASSWORD_FILE names a file that holds it")
		}
		opt.Auth.Password = strings.TrimRight(string(text), "\r\n")
	}
	opt.DialTimeout = 5 * time.Second
	opt.ReadTimeout = 5 * time.Minute
	opt.MaxOpenConns, opt.MaxIdleConns = 8, 8
	return opt, nil
}

// Close frees the connections.
func (s *Store) Close() { _ = s.conn.Close() } // nothing is written by it

// String names the server, and never a user or a password.
func (s *Store) String() string { return "ClickHouse at " + s.where }

// GoString is String: %#v reads the fields, password and all, of what has none.
func (s *Store) GoString() string { return s.String() }

// Database is the name of the database.
func (s *Store) Database() string { return s.options.Auth.Database }

// Ping asks for the server's version. The error says what to start where nothing answers, and that the tables are
// missing where there is no database.
func (s *Store) Ping(ctx context.Context) (version string, err error) {
	err = s.conn.QueryRow(ctx, "SELECT version()").Scan(&version)
	return version, s.explain(err)
}

// ServerVersion asks for the server's version, whether the database is there or not.
func (s *Store) ServerVersion(ctx context.Context) (version string, err error) {
	conn, err := s.server()
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // nothing is written by it
	err = conn.QueryRow(ctx, "SELECT version()").Scan(&version)
	return version, s.explain(err)
}

// server connects to the database that every server has: our own may be missing.
func (s *Store) server() (driver.Conn, error) {
	opt := s.options // a copy
	opt.Auth.Database = "default"
	return clickhouse.Open(&opt)
}

// Address is where ClickHouse is, HOST:PORT.
func (s *Store) Address() string { return s.where }

// explain gives an error of ClickHouse the exit code and the hint that fit.
func (s *Store) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var input *inputError
	if errors.As(err, &input) {
		return input.err
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	switch code := Code(err); {
	case code == codeUnknownTable || code == codeUnknownDatabase:
		return fault.WithHint(fault.Failf(fault.ExitUnavailable, "ClickHouse at %s has no tables of txflow in %s: %w",
			s.where, s.Database(), err), "run txflow migrate")
	case refused[code]:
		return fault.WithHint(fault.Failf(fault.ExitUnavailable, "ClickHouse at %s refuses the user: %w", s.where, err),
			"set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD")
	case code == 0 && authority.Refused(err):
		return fault.WithHint(fault.Failf(fault.ExitUnavailable,
			"ClickHouse at %s: no TLS with a server that is vouched for: %w", s.where, short(err)),
			"name the certificates that vouch for it in CLICKHOUSE_CA_FILE, and the port where it speaks TLS "+
				"in --clickhouse-url (CLICKHOUSE_URL)")
	case code == 0 && Retryable(err):
		return fault.WithHint(fault.Failf(fault.ExitUnavailable, "ClickHouse at %s does not answer: %w", s.where, short(err)),
			nextStart)
	case denied[code]:
		return fault.WithHint(fault.Failf(fault.ExitUnavailable, "ClickHouse at %s denies this user: %w", s.where, err),
			"give the user of CLICKHOUSE_USER the rights that the message names; its profile may have readonly = 2 "+
				"for commands that read, and none for others")
	case code == 0:
		return fault.Failf(fault.ExitFault, "ClickHouse at %s: %w", s.where, err)
	case wrong[code]:
		return fault.WithHint(fault.Failf(fault.ExitFault, "ClickHouse at %s: %w", s.where, err),
			"run txflow migrate, so that tables and txflow are of the same version; if that is so, report this")
	}
	// Codes that nobody listed here are ClickHouse's trouble rather than the rows', which were checked before.
	return fault.Failf(fault.ExitTryAgain, "ClickHouse at %s: %w", s.where, err)
}
