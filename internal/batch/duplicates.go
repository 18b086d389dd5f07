package batch

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/txflow/txflow/internal/transaction"
)

// Repeat is a row that repeats an earlier one, as a line of duplicates.tsv.
type Repeat struct {
	ID          transaction.ID
	ContentHash uint64
	File        int
	Line        uint64
	FirstFile   int
	FirstLine   uint64
}

// RepeatHeader is the first line of duplicates.tsv.
const RepeatHeader = "id\tcontent_hash\tfile\tline\tfirst_file\tfirst_line\n"

// AppendRepeat appends the row's line.
func AppendRepeat(b []byte, r *Repeat) []byte {
	b = append(r.ID.Append(b), '\t')
	b = append(AppendHash(b, r.ContentHash), '\t')
	b = append(strconv.AppendInt(b, int64(r.File), 10), '\t')
	b = append(strconv.AppendUint(b, r.Line, 10), '\t')
	b = append(strconv.AppendInt(b, int64(r.FirstFile), 10), '\t')
	b = strconv.AppendUint(b, r.FirstLine, 10)
	return append(b, '\n')
}

// ParseRepeat reads a line, without its newline.
func ParseRepeat(line []byte) (Repeat, error) {
	f := bytes.Split(line, []byte{'\t'})
	if len(f) != 6 {
		return Repeat{}, fmt.Errorf("a line of the duplicates has %d columns instead of 6", len(f))
	}
	id, ok := transaction.ParseUUID(f[0])
	hash, err := strconv.ParseUint(string(f[1]), 16, 64)
	var n [4]uint64
	for i := range n {
		var e error
		if n[i], e = strconv.ParseUint(string(f[2+i]), 10, 63); e != nil {
			err = e
		}
	}
	if !ok {
		err = errors.New("its id is no UUID")
	}
	if err != nil {
		return Repeat{}, fmt.Errorf("a line of the duplicates can not be read: %w", err)
	}
	return Repeat{ID: id, ContentHash: hash, File: int(n[0]), Line: n[1], FirstFile: int(n[2]), FirstLine: n[3]}, nil
}
