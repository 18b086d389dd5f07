package store

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/retry"

	"github.com/txflow/txflow/internal/authority"
	"github.com/txflow/txflow/internal/fault"
)

// Codes of ClickHouse's exceptions that are treated by name.
const (
	codeUnknownTable    = 60
	codeUnknownDatabase = 81
	codeUnknownUser     = 192
	codeWrongPassword   = 193
	codeNoCreateQuery   = 390
	codeAuthentication  = 516
)

// refused are the codes about who asks: such a user is not let in.
var refused = map[int]bool{
	codeUnknownUser:    true,
	codeWrongPassword:  true,
	194:                true, // REQUIRED_PASSWORD
	195:                true, // IP_ADDRESS_NOT_ALLOWED
	codeAuthentication: true,
}

// denied are the codes about what a user may do: rights, and what the profile allows. They do not pass by themselves.
var denied = map[int]bool{
	164: true, // READONLY: the user's profile; a replica that lost its keeper has 242
	291: true, // DATABASE_ACCESS_DENIED
	452: true, // SETTING_CONSTRAINT_VIOLATION
	497: true, // ACCESS_DENIED
}

// passing are the codes of exceptions that pass by themselves: too much at once, a network or a replica that is
// unavailable, a server that starts or stops, a full disk. See src/Common/ErrorCodes.cpp.
var passing = map[int]bool{
	3:   true, // UNEXPECTED_END_OF_FILE
	74:  true, // CANNOT_READ_FROM_FILE_DESCRIPTOR
	75:  true, // CANNOT_WRITE_TO_FILE_DESCRIPTOR
	76:  true, // CANNOT_OPEN_FILE: too many open files
	32:  true, // ATTEMPT_TO_READ_AFTER_EOF
	159: true, // TIMEOUT_EXCEEDED
	160: true, // TOO_SLOW
	173: true, // CANNOT_ALLOCATE_MEMORY
	225: true, // NO_ZOOKEEPER
	244: true, // UNEXPECTED_ZOOKEEPER_ERROR
	254: true, // NO_ACTIVE_REPLICAS
	265: true, // CANNOT_GET_REPLICATED_DATABASE_SNAPSHOT
	198: true, // DNS_ERROR
	202: true, // TOO_MANY_SIMULTANEOUS_QUERIES
	203: true, // NO_FREE_CONNECTION
	209: true, // SOCKET_TIMEOUT
	210: true, // NETWORK_ERROR
	236: true, // ABORTED
	241: true, // MEMORY_LIMIT_EXCEEDED
	242: true, // TABLE_IS_READ_ONLY: a replica that lost its keeper
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

// wrong are the codes of exceptions about a statement itself: the tables or txflow are not what the other expects.
var wrong = map[int]bool{
	6:   true, // CANNOT_PARSE_TEXT
	8:   true, // THERE_IS_NO_COLUMN
	10:  true, // NOT_FOUND_COLUMN_IN_BLOCK
	16:  true, // NO_SUCH_COLUMN_IN_TABLE
	27:  true, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
	36:  true, // BAD_ARGUMENTS
	42:  true, // NUMBER_OF_ARGUMENTS_DOESNT_MATCH
	43:  true, // ILLEGAL_TYPE_OF_ARGUMENT
	44:  true, // ILLEGAL_COLUMN
	46:  true, // UNKNOWN_FUNCTION
	47:  true, // UNKNOWN_IDENTIFIER
	48:  true, // NOT_IMPLEMENTED
	49:  true, // LOGICAL_ERROR
	50:  true, // UNKNOWN_TYPE
	53:  true, // TYPE_MISMATCH
	57:  true, // TABLE_ALREADY_EXISTS
	62:  true, // SYNTAX_ERROR
	70:  true, // CANNOT_CONVERT_TYPE
	115: true, // UNKNOWN_SETTING
	117: true, // INCORRECT_DATA
	215: true, // NOT_AN_AGGREGATE
	386: true, // NO_COMMON_TYPE
	407: true, // DECIMAL_OVERFLOW
	456: true, // UNKNOWN_QUERY_PARAMETER
	457: true, // BAD_QUERY_PARAMETER
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

// Retryable decides whether what failed may work if it is tried again. Every retry in this package asks it.
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
	if authority.Refused(err) {
		return false
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

// waits between attempts.
var waits = retry.Policy{First: 100 * time.Millisecond, Longest: 5 * time.Second}

const (
	// noticeEvery is how often an outage is logged, once for all that wait on one store.
	noticeEvery = 10 * time.Second
	// nextStart is what to do about a ClickHouse that does not answer.
	nextStart = "start one with txflow platform, or name another with --clickhouse-url (CLICKHOUSE_URL)"
)

// retry runs work until it is done, gives an error that will not pass, or the outage lasts longer than the limit.
func (s *Store) retry(ctx context.Context, work func(context.Context) error) error {
	started := time.Now()
	for failures := 1; ; failures++ {
		err := work(ctx)
		if err == nil || !Retryable(err) || ctx.Err() != nil {
			return s.explain(err)
		}
		if s.outage < 0 {
			return s.explain(err)
		}
		if time.Since(started) >= s.outage {
			return fault.WithHint(fault.Failf(fault.ExitTryAgain, "ClickHouse at %s was unavailable for %s: %w", s.where,
				time.Since(started).Round(time.Second), short(err)),
				"no data is lost: start ClickHouse and run the same command again")
		}
		if s.outages.Due(noticeEvery) {
			s.log.WarnContext(ctx, "ClickHouse is unavailable, retrying", "address", s.where, "for",
				time.Since(started).Round(time.Second).String(),
				"until", started.Add(s.outage).UTC().Format(time.RFC3339), "error", short(err).Error(), "next", nextStart)
		}
		if err := retry.Wait(ctx, waits.Delay(failures)); err != nil {
			return err
		}
	}
}
