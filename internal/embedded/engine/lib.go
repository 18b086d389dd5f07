// Package engine runs ClickHouse's engine inside this process: libchdb, loaded without cgo, behind a pool of
// connections.
package engine

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// lib are the functions of libchdb's C interface that are used. Lengths go with every text, so none ends with a NUL.
type lib struct {
	setSignalHandlers func(on int32)
	connect           func(argc int32, argv unsafe.Pointer) uintptr
	closeConn         func(conn uintptr)

	query func(conn uintptr, q unsafe.Pointer, ql uintptr, f unsafe.Pointer, fl uintptr, names, nameLens, values,
		valueLens unsafe.Pointer, n uintptr) uintptr
	streamQuery func(conn uintptr, q unsafe.Pointer, ql uintptr, f unsafe.Pointer, fl uintptr, names, nameLens, values,
		valueLens unsafe.Pointer, n uintptr) uintptr
	fetch       func(conn, result uintptr) uintptr
	cancelQuery func(conn, result uintptr)

	insert       func(conn uintptr, q unsafe.Pointer, ql uintptr, f unsafe.Pointer, fl uintptr) uintptr
	appendInsert func(stream uintptr, data unsafe.Pointer, n uintptr) int32
	doneInsert   func(stream uintptr) uintptr
	insertError  func(stream uintptr) string
	cancelInsert func(stream uintptr)
	freeInsert   func(stream uintptr)

	buffer      func(result uintptr) unsafe.Pointer
	length      func(result uintptr) uintptr
	errorOf     func(result uintptr) string
	rowsRead    func(result uintptr) uint64
	bytesRead   func(result uintptr) uint64
	rowsWritten func(result uintptr) uint64
	freeResult  func(result uintptr)
}

// libchdb can be loaded once a process; it is never unloaded, since its threads outlive connections.
var loaded struct {
	sync.Mutex
	path string
	lib  *lib
}

// load opens the shared library at path.
func load(path string) (*lib, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.lib != nil {
		if loaded.path != path {
			return nil, fmt.Errorf("the engine of %s is loaded already", loaded.path)
		}
		return loaded.lib, nil
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("load the ClickHouse engine: %w", err)
	}
	l := &lib{}
	for name, fn := range map[string]any{
		"chdb_set_signal_handlers_enabled": &l.setSignalHandlers,
		"chdb_connect":                     &l.connect, "chdb_close_conn": &l.closeConn,
		"chdb_query_with_params_n": &l.query, "chdb_stream_query_with_params_n": &l.streamQuery,
		"chdb_stream_fetch_result": &l.fetch, "chdb_stream_cancel_query": &l.cancelQuery,
		"chdb_stream_insert_n": &l.insert, "chdb_stream_append": &l.appendInsert, "chdb_stream_done": &l.doneInsert,
		"chdb_stream_insert_error": &l.insertError, "chdb_stream_cancel_insert": &l.cancelInsert,
		"chdb_destroy_insert_stream": &l.freeInsert,
		"chdb_result_buffer":         &l.buffer, "chdb_result_length": &l.length, "chdb_result_error": &l.errorOf,
		"chdb_result_rows_read": &l.rowsRead, "chdb_result_bytes_read": &l.bytesRead,
		"chdb_result_rows_written": &l.rowsWritten, "chdb_destroy_query_result": &l.freeResult,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("the ClickHouse engine at %s lacks %s: %w", path, name, err)
		}
		purego.RegisterFunc(fn, symbol)
	}
	// Go's runtime owns the signals of this process.
	l.setSignalHandlers(0)
	loaded.path, loaded.lib = path, l
	return l, nil
}

// text is a string as C takes it: an address and a length. An empty one still has an address.
func text(s string) (unsafe.Pointer, uintptr) {
	if s == "" {
		return unsafe.Pointer(&emptyText), 0
	}
	return unsafe.Pointer(unsafe.StringData(s)), uintptr(len(s))
}

var emptyText byte
