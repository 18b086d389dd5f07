// Package migrations holds the DDL, which is the only truth about the tables: files NNNN_name.sql, one object each,
// applied in the order of their numbers and never changed again.
package migrations

import "embed"

// Files are the migrations.
//
//go:embed *.sql
var Files embed.FS
