package csvfile

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	wanted := []string{"id", "amount"}
	many := strings.Repeat("x;", 100)
	for _, tt := range []struct {
		name, head string
		opt        Options
		want       Dialect
	}{
		{"french", "id;amount\n1;2,5\n", Options{}, Dialect{Delimiter: ';', DecimalPoint: ',', MarkBasis: MarkSeen}},
		{"english", "id,amount\n1,2.5\n", Options{}, Dialect{Delimiter: ',', DecimalPoint: '.', MarkBasis: MarkSeen}},
		{"semicolons and points", "id;amount\n1;2.5\n", Options{}, Dialect{Delimiter: ';', DecimalPoint: '.',
			MarkBasis: MarkSeen}},
		{"comma in quotes", "id,amount\n1,\"2,5\"\n", Options{}, Dialect{Delimiter: ',', DecimalPoint: ',',
			MarkBasis: MarkSeen}},
		{"no mark", "id,amount\n1,25\n", Options{}, Dialect{Delimiter: ',', DecimalPoint: '.', MarkBasis: MarkAssumed}},
		{"bom, any order, any case, extra", "\xef\xbb\xbfAmount;note; ID\r\n1;x;2", Options{},
			Dialect{Delimiter: ';', DecimalPoint: ',', MarkBasis: MarkAssumed, Columns: []int{2, 0}, Width: 3,
				Ignored: []string{"note"}, HeaderBytes: 20}},
		{"two boms", "\xef\xbb\xbf\xef\xbb\xbfid;amount\n1;2,5\n", Options{}, Dialect{Delimiter: ';', DecimalPoint: ',',
			MarkBasis: MarkSeen, HeaderBytes: 16}},
		{"said", "id;amount\n1;2,5\n", Options{DecimalPoint: '.'}, Dialect{Delimiter: ';', DecimalPoint: '.',
			MarkBasis: MarkGiven}},
		{"others unnamed and twice", "id;;note;amount;NOTE;\n1;;;2,5;;\n", Options{},
			Dialect{Delimiter: ';', DecimalPoint: ',', MarkBasis: MarkSeen, Columns: []int{0, 3}, Width: 6,
				Ignored: []string{"note"}, HeaderBytes: 22}},
		{"more than 64 columns", many + "id;amount\n" + many + "1;2,5\n", Options{},
			Dialect{Delimiter: ';', DecimalPoint: ',', MarkBasis: MarkSeen, Columns: []int{100, 101}, Width: 102,
				Ignored: []string{"x"}, HeaderBytes: 210}},
		{"cut in the last number", "id;amount\n1;2.5\n2;3,45", Options{Cut: true}, Dialect{Delimiter: ';', DecimalPoint: '.',
			MarkBasis: MarkSeen}},
		{"thousands and decimals", "id;amount\n1;1.234,50\n2;1.250\n", Options{}, Dialect{Delimiter: ';', DecimalPoint: ',',
			MarkBasis: MarkSeen, Grouping: '.'}},
	} {
		want := tt.want
		want.FirstLine = 2
		if want.Columns == nil {
			want.Columns, want.Width = []int{0, 1}, 2
		}
		if want.HeaderBytes == 0 {
			want.HeaderBytes = 10
		}
		got, err := Detect([]byte(tt.head), wanted, "amount", tt.opt)
		got.headerEnd = 0
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", tt.name, got, err, want)
		}
	}
}

func TestWhatIsNoCSVSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, head, want string }{
		{"empty", "", "empty"}, {"blank", "\n\n", "empty"}, {"utf-16", "\xff\xfei\x00d\x00", "UTF-16"},
		{"utf-16 without bom", "i\x00d\x00;\x00a\x00\n\x00", "UTF-16"}, {"elf", "\x7fELF\x02\x01\x01\x00", "binary"},
		{"utf-32", "\xff\xfe\x00\x00i\x00\x00\x00d\x00\x00\x00", "iconv -f UTF-32"},
		{"utf-32 without bom", "i\x00\x00\x00d\x00\x00\x00;\x00\x00\x00a\x00\x00\x00\n\x00\x00\x00", "iconv -f UTF-32"},
		{"zip", "PK\x03\x04\x14\x00", "zip archive"}, {"xz", "\xfd7zXZ\x00\x00", "xz -dc"}, {"bzip2", "BZh91AY", "bzip2 -dc"},
		{"cr only", "id,amount\r1,2\r", "CR alone"}, {"cr cr lf", "id,amount\r\r\n1,2\r\r\n", "CR CR LF"},
		{"missing", "id;sum\n1;2\n", "lacks amount"}, {"twice", "id;amount;ID\n", "twice"},
		{"commas, though none fits", "Date,Payee,Sum,Reference,Type\n",
			`delimiter ",", the first line has 5 columns: "Date", "Payee", "Sum", "Reference", "Type"`},
		{"header further down", "Account;DE00\n\nid;amount\n1;2,5\n", "Line 3 looks like a header, with 2 columns"},
		{"names that are not ours",
			"Konto;x\nvom;31.01.24\n\n\"Datum\";\"Betrag\";\"Text\";\"Art\"\n\"31.01.24\";\"1\";\"a\";\"b\"\n",
			"Line 4 looks like a header, with 4 columns"},
		{"no header", "7;Groceries;Market;x;-2,5\n", "looks like a row of data"},
	} {
		_, err := Detect([]byte(tt.head), []string{"id", "amount"}, "amount", Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error that says %q", tt.name, err, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), "Groceries") || strings.Contains(err.Error(), "DE00")) {
			t.Errorf("%s: the error shows values: %v", tt.name, err)
		}
	}
	if _, err := Detect([]byte("id;amount\n"), []string{"id", "amount"}, "amount", Options{Delimiter: ','}); err == nil ||
		!strings.Contains(err.Error(), `","`) {
		t.Errorf("a wrong delimiter is not named: %v", err)
	}
	if _, err := Detect([]byte(strings.Repeat("id,amount,", 100)), []string{"side"}, "side",
		Options{Cut: true}); err == nil {
		t.Error("a header that is cut off passes")
	}
}

func TestADecimalMarkThatMaySeparateThousandsIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, delimiter string
		values          []string
		mark            byte // the decimal mark, 0 where the file is refused
		line            uint64
	}{
		{"english thousands", ",", []string{"-1,234", "2,500", "-100"}, 0, 2},
		{"german thousands", ";", []string{"-1.250", "3.500"}, 0, 2},
		{"yen", ",", []string{"50", "-1,234,567", "2,500", "9,500"}, 0, 3},
		{"one mark twice", ";", []string{"1,234,567"}, 0, 2},
		{"both orders, and one that may be either", ";", []string{"1,234.56", "1.234,56", "1.234"}, 0, 4},
		{"one mark as both", ";", []string{"1.5", "1.234.567"}, 0, 3},
		{"three decimals after a long number", ";", []string{"1234.567", "1.234"}, '.', 0},
		{"three decimals after a zero", ";", []string{"0.500", "1.234"}, '.', 0},
		{"both marks in order", ",", []string{"1,234.56", "2,500"}, '.', 0},
		{"two decimals", ";", []string{"1.234", "1.50"}, '.', 0},
		{"most decide", ";", []string{"1,50", "2,50", "1.5"}, ',', 0},
		{"no numbers", ";", []string{"x", "1.2.3", "1,", ".5", "12.12.2023", ""}, ',', 0},
	} {
		text := "id" + tt.delimiter + "amount\n"
		for i, v := range tt.values {
			text += fmt.Sprintf("%d%s\"%s\"\n", i, tt.delimiter, v)
		}
		d, err := Detect([]byte(text), []string{"id", "amount"}, "amount", Options{})
		var ambiguous *AmbiguousError
		switch {
		case tt.mark != 0:
			if err != nil || d.DecimalPoint != tt.mark {
				t.Errorf("%s: %q, %v; want %q", tt.name, d.DecimalPoint, err, tt.mark)
			}
		case !errors.As(err, &ambiguous) || ambiguous.Line != tt.line:
			t.Errorf("%s: %q, %v; want it to be refused for line %d", tt.name, d.DecimalPoint, err, tt.line)
		}
		for _, mark := range []byte(".,") {
			if d, err := Detect([]byte(text), []string{"id", "amount"}, "amount", Options{DecimalPoint: mark}); err != nil ||
				d.DecimalPoint != mark {
				t.Errorf("%s, said to be %q: %v", tt.name, mark, err)
			}
		}
	}
}

func TestEveryRecordIsMeasured(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("abcd;e\n", 5) + "abcde;fg\r\n" + "abcde;fgh\r\n" + strings.Repeat("a\n", 50)
	for _, size := range []int{1, 7, 64, 1 << 16} {
		for limit, line := range map[int]uint64{8: 7, 7: 6, 5: 1, 9: 0} {
			sp := NewSplitter(strings.NewReader(text), ';', size, limit, 1)
			var err error
			for err == nil {
				_, err = sp.Next()
			}
			var long *RecordTooLongError
			if errors.As(err, &long) != (line > 0) || line > 0 && long.Line != line {
				t.Errorf("blocks of %d, a limit of %d: %v, want line %d", size, limit, err, line)
			}
		}
	}
}
