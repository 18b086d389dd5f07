package store

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/batch"
)

// Codes of ClickHouse's exceptions that are treated by name.
const (
	codeUnknownTable    = 60
	codeUnknownDatabase = 81
	codeUnknownUser     = 192
	codeWrongPassword   = 193
	codeAuthentication  = 516
)

// passing are the codes of exceptions that pass by themselves: too much at once, a network or a replica that is away, a
// server that starts or stops, a full disk. See src/Common/ErrorCodes.cpp.
var passing = map[int]bool{
	3:   true, // UNEXPECTED_END_OF_FILE
	32:  true, // ATTEMPT_TO_READ_AFTER_EOF
	159: true, // TIMEOUT_EXCEEDED
	160: true, // TOO_SLOW
	164: true, // READONLY: a replica that lost its keeper
	198: true, // DNS_ERROR
	202: true, // TOO_MANY_SIMULTANEOUS_QUERIES
	203: true, // NO_FREE_CONNECTION
	209: true, // SOCKET_TIMEOUT
	210: true, // NETWORK_ERROR
	236: true, // ABORTED
	241: true, // MEMORY_LIMIT_EXCEEDED
	242: true, // TABLE_IS_READ_ONLY
	243: true, // NOT_ENOUGH_SPACE
	252: true, // TOO_MANY_PARTS
	279: true, // ALL_CONNECTION_TRIES_FAILED
	285: true, // TOO_FEW_LIVE_REPLICAS
	286: true, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
	319: true, // UNKNOWN_STATUS_OF_INSERT
	394: true, // QUERY_WAS_CANCELLED
	425: true, // SYSTEM_ERROR
	439: true, // CANNOT_SCHEDULE_TASK
	473: true, // DEADLOCK_AVOIDED
	499: true, // S3_ERROR
	999: true, // KEEPER_EXCEPTION
}

var codeInText = regexp.MustCompile(`\bCode: (\d+)\. DB::Exception`)

// Code returns ClickHouse's code of an error, natively or by HTTP; 0 when it is none of ClickHouse's.
func Code(err error) int {
	var e *clickhouse.Exception
	if errors.As(err, &e) {
		return int(e.Code)
	}
	if err == nil {
		return 0
	}
	if m := codeInText.FindStringSubmatch(err.Error()); m != nil {
		code, _ := strconv.Atoi(m[1]) // the pattern is digits
		return code
	}
	return 0
}

// Retryable decides whether what failed may work if it is tried again. Every retry in this room asks it.
func Retryable(err error) bool {
	var input *inputError
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &input) {
		return false
	}
	if code := Code(err); code != 0 {
		return passing[code]
	}
	var status *clickhouse.HTTPError
	if errors.As(err, &status) {
		return status.StatusCode >= http.StatusInternalServerError || status.StatusCode == http.StatusTooManyRequests ||
			status.StatusCode == http.StatusRequestTimeout
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, clickhouse.ErrAcquireConnTimeout)
}

// short is an error without the long address that the HTTP client puts in front of it.
func short(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}

// Waits between tries.
const (
	firstWait = 100 * time.Millisecond
	longWait  = 5 * time.Second
)

// retry runs work until it is done, gives an error that will not pass, or the outage lasts longer than the limit.
func (s *Store) retry(ctx context.Context, work func(context.Context) error) error {
	started := time.Now()
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		err := work(ctx)
		if err == nil || !Retryable(err) || ctx.Err() != nil {
			return s.explain(err)
		}
		if time.Since(started) >= s.outage {
			return batch.WithHint(batch.Failf(batch.ExitTryAgain, "ClickHouse at %s was away for %s: %w", s.where, time.Since(started).Round(time.Second), short(err)),
				"nothing is lost: start ClickHouse and run the same command again")
		}
		s.log.WarnContext(ctx, "ClickHouse is away, waiting", "address", s.where, "for", time.Since(started).Round(time.Second).String(), "error", short(err).Error())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait/2 + rand.N(wait/2)): //nolint:gosec // jitter
		}
	}
}
