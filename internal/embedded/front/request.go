package front

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/txflow/txflow/internal/embedded/engine"
)

// request is a request as the engine needs it.
type request struct {
	id        string
	text      string       // the statement, and what follows it in the same text
	rest      io.Reader    // what follows text; nil when nothing does
	frames    *frameReader // under rest; nil when the body has no frames
	format    string
	packer    packer
	statement engine.Statement // without its SQL
}

// notSettings are the URL's parameters that are no settings of ClickHouse.
var notSettings = map[string]bool{
	"query": true, "database": true, "default_format": true, "user": true, "password": true, "query_id": true,
	"session_id":      true,
	"session_timeout": true, "session_check": true, "quota_key": true, "compress": true, "decompress": true,
	"enable_http_compression": true, "client_protocol_version": true, "wait_end_of_query": true, "buffer_size": true,
	"role":                                  true,
	"http_write_exception_in_output_format": true,
}

func (h *Handler) readRequest(w http.ResponseWriter, r *http.Request) (*request, error) {
	v := r.URL.Query()
	q := &request{id: first(v.Get("query_id"), r.Header.Get("X-ClickHouse-Query-Id")),
		format: first(v.Get("default_format"), r.Header.Get("X-ClickHouse-Format"), "TabSeparated")}
	if strings.ContainsFunc(q.id, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, &engine.Error{Code: 36, Message: "Code: 36. DB::Exception: query_id must be printable ASCII: the " +
			"answer's header repeats it. (BAD_ARGUMENTS)"}
	}
	if q.id == "" {
		q.id = newID()
	}
	if err := h.authenticate(r, v); err != nil {
		return nil, err
	}
	q.packer = packer{gzip: on(v.Get("enable_http_compression")) && strings.Contains(r.Header.Get("Accept-Encoding"),
		"gzip"), blocks: on(v.Get("compress"))}
	q.statement = engine.Statement{Database: first(v.Get("database"), r.Header.Get("X-ClickHouse-Database")),
		Settings: engine.Settings{}, Params: engine.Params{}}
	for name, values := range v {
		if param, ok := strings.CutPrefix(name, "param_"); ok {
			q.statement.Params[param] = values[0]
		} else if !notSettings[name] {
			if !isName(name) {
				return nil, &engine.Error{Code: 115, Message: "Code: 115. DB::Exception: Setting " + name +
					" is neither a builtin setting nor started with the prefix 'SQL_' registered for user-defined settings. " +
					"(UNKNOWN_SETTING)"}
			}
			q.statement.Settings[name] = values[0]
		}
	}
	return q, q.readText(newPacedBody(w, r), r, v.Get("query"), on(v.Get("decompress")))
}

// authenticate knows the user default alone, with the platform's password where it has one.
func (h *Handler) authenticate(r *http.Request, v url.Values) error {
	basicUser, basicPassword, _ := r.BasicAuth()
	user := first(v.Get("user"), r.Header.Get("X-ClickHouse-User"), basicUser, "default")
	password := first(v.Get("password"), r.Header.Get("X-ClickHouse-Key"), basicPassword)
	if user == "default" && (h.password == "" || subtle.ConstantTimeCompare([]byte(password), []byte(h.password)) == 1) {
		return nil
	}
	return &engine.Error{Code: 516, Message: fmt.Sprintf("Code: 516. DB::Exception: %s: Authentication failed: "+
		"the embedded platform has the user default alone, and the password that it was started with, if any. "+
		"(AUTHENTICATION_FAILED)", user)}
}

// readText puts the statement together: what the URL says, then the body.
func (q *request) readText(packed io.Reader, r *http.Request, inURL string, blocks bool) error {
	q.text = inURL
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	if blocks {
		q.frames = &frameReader{}
	}
	body, err := unpack(packed, r.Header.Get("Content-Encoding"), q.frames)
	if err != nil {
		return err
	}
	body = &boundedBody{r: body, left: maxBody}
	if inURL != "" && parse(inURL).kind == insert {
		q.rest = body // all of the body is data
		return nil
	}
	var head bytes.Buffer
	n, err := io.CopyN(&head, body, maxText)
	switch {
	case n == maxText && err == nil:
		q.rest = body
	case err != nil && !errors.Is(err, io.EOF):
		return err
	}
	if q.text != "" {
		q.text += "\n"
	}
	q.text += string(bytes.TrimPrefix(head.Bytes(), []byte("\xef\xbb\xbf")))
	return nil
}

// close gives the memory back that the body takes.
func (q *request) close() {
	if q != nil && q.frames != nil {
		q.frames.close()
	}
}

func on(v string) bool { return v != "" && v != "0" && v != "false" }

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func isName(s string) bool {
	for i := range len(s) {
		if !isWordByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// newID makes a UUID of version 4.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
