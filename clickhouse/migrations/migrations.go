// Package migrations holds the DDL, which is the only truth about the tables: files NNNN_name.sql, one object each,
// applied in the order of their numbers and never changed again.
package migrations

import (
	"embed"
	"io/fs"
)

// Files are the migrations that every txflow needs.
//
//go:embed *.sql
var Files embed.FS

//go:embed stream/*.sql
var stream embed.FS

// Stream are the migrations for reading from Kafka, a set of their own. The named collection txflow_kafka in them
// becomes that of the database (store.SetBrokers).
func Stream() fs.FS {
	files, err := fs.Sub(stream, "stream")
	if err != nil {
		panic("the folder is embedded: " + err.Error())
	}
	return files
}
