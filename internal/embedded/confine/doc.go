// Package confine keeps the ClickHouse engine's own file access inside the platform's folder. ClickHouse checks grants
// for tables and table functions, but clickhouse local, which the library is, reads any file for file(), format schemas
// and templates, and writes any for INTO OUTFILE. On Linux the executable therefore takes the place of libc's open and
// its kin, by which the library opens files: a path outside the folder gives EACCES, whatever SQL led to it. Go's own
// files do not pass there: Go makes system calls by itself.
package confine
