package front

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/txflow/txflow/internal/embedded/engine"
)

// writeError answers as ClickHouse does: the exception's text, its code in a header, and the status that fits.
func writeError(w http.ResponseWriter, err error) {
	var e *engine.Error
	var limit *limitError
	code := 1002 // UNKNOWN_EXCEPTION
	message := err.Error()
	answer := 0
	switch {
	case errors.As(err, &limit):
		answer, message = limit.status, "Code: 1002. DB::Exception: "+message+" (UNKNOWN_EXCEPTION)"
	case errors.As(err, &e):
		code = e.Code
	case errors.Is(err, engine.ErrClosed):
		code, message = 236, "Code: 236. DB::Exception: "+message+" (ABORTED)"
	default:
		message = "Code: 1002. DB::Exception: " + message + " (UNKNOWN_EXCEPTION)"
	}
	if !strings.HasSuffix(message, "\n") {
		message += "\n"
	}
	h := w.Header()
	h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(code))
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	if answer == 0 {
		answer = status(code)
	}
	w.WriteHeader(answer)
	_, _ = io.WriteString(w, message) // an error means that the client is gone
}

// status is ClickHouse's own table (exceptionCodeToHTTPStatus in its HTTP handler).
func status(code int) int {
	switch code {
	case 194: // REQUIRED_PASSWORD
		return http.StatusUnauthorized
	case 192, 193, 516: // UNKNOWN_USER, WRONG_PASSWORD, AUTHENTICATION_FAILED
		return http.StatusForbidden
	case 52, 497: // DATABASE_ACCESS_DENIED is 291; ACCESS_DENIED 497
		return http.StatusForbidden
	case 6, 25, 26, 27, 38, 41, 53, 62, 69, 70, 72, 117, 130, 131, 456, 457, 474:
		return http.StatusBadRequest
	case 46, 47, 50, 56, 60, 63, 73, 81, 115, 336:
		return http.StatusNotFound
	case 1, 48:
		return http.StatusNotImplemented
	case 381: // HTTP_LENGTH_REQUIRED
		return http.StatusLengthRequired
	case 202, 209, 439, 236: // TOO_MANY_SIMULTANEOUS_QUERIES, SOCKET_TIMEOUT, CANNOT_SCHEDULE_TASK, ABORTED: it stops
		return http.StatusServiceUnavailable
	case 159: // TIMEOUT_EXCEEDED
		return http.StatusRequestTimeout
	}
	return http.StatusInternalServerError
}
