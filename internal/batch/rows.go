package batch

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/transaction"
)

// Row is an accepted row on its way from validate to load.
type Row struct {
	Transaction transaction.Transaction
	ContentHash uint64
	File        int    // index into the run's files
	Line        uint64 // the row's first line, counted from 1
}

// RowHeader names the columns of accepted rows. They are tab-separated text in ClickHouse's TabSeparated escapes: one
// line a row whatever the text holds, and \N for a null merchant; chunks are the same without the header.
const RowHeader = "id\tsource_id\tfile\tline\tcontent_hash\tdescription\tamount\ttimestamp\tmerchant\t" +
	"operation_type\tside\n"

const rowColumns = 11

// AppendRow appends the row's line.
func AppendRow(b []byte, r *Row) []byte {
	t := &r.Transaction
	b = append(t.ID.Append(b), '\t')
	b = append(appendEscaped(b, t.SourceID), '\t')
	b = append(strconv.AppendInt(b, int64(r.File), 10), '\t')
	b = append(strconv.AppendUint(b, r.Line, 10), '\t')
	b = append(AppendHash(b, r.ContentHash), '\t')
	b = append(appendEscaped(b, t.Description), '\t')
	b = append(t.Amount.Append(b), '\t')
	b = append(transaction.AppendTimestamp(b, t.Timestamp), '\t')
	if t.HasMerchant {
		b = appendEscaped(b, t.Merchant)
	} else {
		b = append(b, '\\', 'N')
	}
	b = append(b, '\t')
	b = append(appendEscaped(b, t.OperationType), '\t')
	b = append(b, t.Side.String()...)
	return append(b, '\n')
}

// AppendHash appends a content hash as 16 hex digits.
func AppendHash(b []byte, hash uint64) []byte {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], hash)
	return hex.AppendEncode(b, raw[:])
}

var escapes = [256]byte{'\t': 't', '\n': 'n', '\r': 'r', '\\': '\\', 0: '0'}

func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= '\\' && (escapes[c] != 0) {
			b = append(b, s[start:i]...)
			b = append(b, '\\', escapes[c])
			start = i + 1
		}
	}
	return append(b, s[start:]...)
}

// RowDecoder reads lines that AppendRow wrote. It keeps one copy of texts that recur.
type RowDecoder struct {
	intern transaction.Interner
	buf    []byte
}

// Decode reads one line (without its newline) into r.
func (d *RowDecoder) Decode(line []byte, r *Row) error {
	var f [rowColumns][]byte
	for i := range rowColumns - 1 {
		tab := bytes.IndexByte(line, '\t')
		if tab < 0 {
			return fmt.Errorf("an accepted row has %d columns instead of %d", i+1, rowColumns)
		}
		f[i], line = line[:tab], line[tab+1:]
	}
	f[rowColumns-1] = line
	id, ok := transaction.ParseUUID(f[0])
	file, err1 := strconv.Atoi(string(f[2]))
	at, err2 := strconv.ParseUint(string(f[3]), 10, 64)
	hash, err3 := strconv.ParseUint(string(f[4]), 16, 64)
	amount, code := transaction.ParseAmount(f[6], '.')
	ts, okTime := transaction.ParseTimestamp(f[7])
	side, okSide := transaction.ParseSide(f[10])
	if !ok || err1 != nil || err2 != nil || err3 != nil || code != transaction.CodeOK || !okTime || !okSide {
		return fmt.Errorf("an accepted row (line %d of the source) can not be read back", at)
	}
	// copied before the next text reuses the buffer: in the literal, Go may convert it after
	sourceID := string(d.unescape(f[1]))
	*r = Row{ContentHash: hash, File: file, Line: at, Transaction: transaction.Transaction{
		ID: id, SourceID: sourceID, Description: d.intern.String(d.unescape(f[5])), Amount: amount,
		Timestamp: ts, OperationType: d.intern.String(d.unescape(f[9])), Side: side,
	}}
	if string(f[8]) != `\N` {
		r.Transaction.Merchant, r.Transaction.HasMerchant = d.intern.String(d.unescape(f[8])), true
	}
	return nil
}

// Each decodes every line of text into row and calls visit after each.
func (d *RowDecoder) Each(text []byte, row *Row, visit func()) error {
	for len(text) > 0 {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return fault.Failf(fault.ExitData, "the last accepted row is cut off")
		}
		if err := d.Decode(text[:end], row); err != nil {
			return fault.Fail(fault.ExitData, err)
		}
		visit()
		text = text[end+1:]
	}
	return nil
}

func (d *RowDecoder) unescape(b []byte) []byte {
	i := bytes.IndexByte(b, '\\')
	if i < 0 {
		return b
	}
	d.buf = append(d.buf[:0], b[:i]...)
	for ; i < len(b); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) {
			i++
			switch b[i] {
			case 't':
				c = '\t'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case '0':
				c = 0
			default:
				c = b[i]
			}
		}
		d.buf = append(d.buf, c)
	}
	return d.buf
}
