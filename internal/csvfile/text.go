package csvfile

import (
	"bytes"
	"errors"
)

// Errors of a file that can not be read as CSV at all.
var (
	ErrEmpty      = errors.New("the file is empty")
	ErrUTF16      = errors.New("the file is UTF-16; convert it to UTF-8: iconv -f UTF-16 -t UTF-8 FILE")
	ErrUTF32      = errors.New("the file is UTF-32; convert it to UTF-8: iconv -f UTF-32 -t UTF-8 FILE")
	ErrBinary     = errors.New("the file is binary, not CSV text")
	ErrHeaderLong = errors.New("the header line is longer than 64 KiB")
	ErrCR         = errors.New(`the file ends its lines with CR alone, as old Macs do; convert it: tr '\r' '\n' < FILE`)
	ErrCRCRLF     = errors.New(`the lines of the file end with CR CR LF; a line ends with LF or CR LF. ` +
		`Convert it: tr -d '\r' < FILE`)
)

// archives are what is sent instead of CSV by mistake, by how they begin.
var archives = []struct {
	magic string
	err   error
}{
	{"PK\x03\x04", errors.New("the file is a zip archive (or a spreadsheet, which is one); unpack it, or export it as " +
		"CSV: unzip -p FILE")},
	{"\xfd7zXZ\x00", errors.New("the file is compressed with xz; unpack it: xz -dc FILE. Read directly are .gz and .zst")},
	{"BZh", errors.New("the file is compressed with bzip2; unpack it: bzip2 -dc FILE. Read directly are .gz and .zst")},
	{"7z\xbc\xaf\x27\x1c", errors.New("the file is a 7-Zip archive; unpack it: 7z x -so FILE")},
	{"%PDF-", errors.New("the file is a PDF document; export it as CSV")},
	{"\xd0\xcf\x11\xe0", errors.New("the file is an old Excel workbook; export it as CSV")},
}

var utf8BOM = []byte("\xef\xbb\xbf")

// checkText looks for what is no CSV text. Text is head after the byte order mark.
func checkText(head, text []byte) error {
	if bytes.HasPrefix(head, []byte{0xff, 0xfe, 0, 0}) || bytes.HasPrefix(head, []byte{0, 0, 0xfe, 0xff}) {
		return ErrUTF32
	}
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return ErrUTF16
	}
	if len(bytes.TrimLeft(text, "\r\n \t")) == 0 {
		return ErrEmpty
	}
	for _, a := range archives {
		if bytes.HasPrefix(head, []byte(a.magic)) {
			return a.err
		}
	}
	sample := text[:min(len(text), 4096)]
	line := bytes.IndexByte(sample, '\n')
	if line >= 0 {
		sample = sample[:line+1] // a NUL in a row makes a rejected row, not a binary file
	}
	if nul := bytes.Count(sample, []byte{0}); nul > 0 {
		switch {
		case nul*3 >= 2*len(sample) && nul*5 < 4*len(sample):
			return ErrUTF32
		case nul*3 > len(sample) && nul*3 < 2*len(sample):
			return ErrUTF16
		}
		return ErrBinary
	}
	for _, c := range sample {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			return ErrBinary
		}
	}
	if bytes.HasSuffix(sample, []byte("\r\r\n")) {
		return ErrCRCRLF
	}
	if !bytes.ContainsRune(text, '\n') && bytes.ContainsRune(bytes.TrimRight(text, "\r"), '\r') {
		return ErrCR
	}
	return nil
}
