package transaction

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDeriveID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ source, raw, want string }{
		{"", "1", "81fe8d20-b855-5e84-9566-f6693045d336"}, // the contract's own example
		{"", "B9FA6684-502B-4695-8F92-247432BA610D", "b9fa6684-502b-4695-8f92-247432ba610d"},
		{"real", "b9fa6684-502b-4695-8f92-247432ba610d", "b9fa6684-502b-4695-8f92-247432ba610d"},
		// python3 -c 'import uuid; ns=uuid.uuid5(uuid.NAMESPACE_URL,"txflow/transaction"); print(uuid.uuid5(ns,"real\x1f1"))'
		{"real", "1", "8cafd766-b5ff-512f-9e92-142d0595f3b9"},
	} {
		if got := DeriveID(tt.source, []byte(tt.raw)).String(); got != tt.want {
			t.Errorf("DeriveID(%q, %q) = %s, want %s", tt.source, tt.raw, got, tt.want)
		}
	}
}

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		point byte
		want  Amount
		code  Code
	}{
		{"-952,40", ',', -9524000, CodeOK}, {"100", ',', 1000000, CodeOK}, {"+0.0001", '.', 1, CodeOK}, {"0", '.', 0, CodeOK},
		{"99999999999999.9999", '.', MaxAmount, CodeOK}, {"-99999999999999.9999", '.', -MaxAmount, CodeOK},
		{"100000000000000", '.', 0, CodeAmountRange}, {"999999999999999999999999", '.', 0, CodeAmountRange},
		{"1.00000", '.', 0, CodeAmountScale}, {"1.23456x", '.', 0, CodeAmountFormat}, {"1.2.3", '.', 0, CodeAmountFormat},
		{"1.", '.', 0, CodeAmountFormat}, {".5", '.', 0, CodeAmountFormat}, {"-", '.', 0, CodeAmountFormat},
		{"", '.', 0, CodeAmountFormat},
		{"1,5", '.', 0, CodeAmountFormat}, {"1e3", '.', 0, CodeAmountFormat}, {"NaN", '.', 0, CodeAmountFormat},
		{"1 000", '.', 0, CodeAmountFormat},
	} {
		if got, code := ParseAmount([]byte(tt.in), tt.point); got != tt.want || code != tt.code {
			t.Errorf("ParseAmount(%q) = %d, %q; want %d, %q", tt.in, got, code, tt.want, tt.code)
		}
	}
}

// FuzzAmount compares with math/big: what is accepted is exact, and survives a round trip.
func FuzzAmount(f *testing.F) {
	for _, s := range []string{"-952.40", "0.0001", "99999999999999.9999", "1.00000", "+7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, code := ParseAmount([]byte(s), '.')
		if code != CodeOK {
			return
		}
		exact, ok := new(big.Rat).SetString(s)
		if !ok || exact.Cmp(big.NewRat(int64(a), AmountScale)) != 0 {
			t.Fatalf("ParseAmount(%q) = %d", s, a)
		}
		if back, code := ParseAmount([]byte(a.String()), '.'); code != CodeOK || back != a {
			t.Fatalf("%q became %q", s, a)
		}
	})
}

func TestParseTimestamp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"2023-11-28 06:35:12", "2023-11-28T06:35:12Z"}, {"2023-04-15T14:30:00", "2023-04-15T14:30:00Z"},
		{"2024-02-29T23:59:59.123456+02:00", "2024-02-29T21:59:59.123456Z"},
		{"2023-01-01t00:00:00.5z", "2023-01-01T00:00:00.5Z"},
		{"2023-01-01T00:00:00.123456000Z", "2023-01-01T00:00:00.123456Z"},
		{"2023-01-01T00:00:00.123456999Z", "2023-01-01T00:00:00.123456Z"},
		{"2023-02-29 00:00:00", ""}, {"2023-13-01 00:00:00", ""}, {"2023-01-01 24:00:00", ""}, {"2023-01-01 00:00:60", ""},
		{"2023-01-01", ""}, {"2023-01-01 00:00:00.", ""}, {"2023-01-01T00:00:00.1234567899Z", ""},
		{"1990-12-31T23:59:60Z", ""}, {"2023-01-01 00:00:00 UTC", ""},
		{"2023-01-01T00:00:00+2:00", ""}, {"01/02/2023 00:00:00", ""}, {"20230-1-01 00:00:00", ""},
	} {
		got, ok := ParseTimestamp([]byte(tt.in))
		if ok != (tt.want != "") || ok && string(AppendTimestamp(nil, got)) != tt.want {
			t.Errorf("ParseTimestamp(%q) = %s, %v; want %q", tt.in, AppendTimestamp(nil, got), ok, tt.want)
		}
	}
}

// rfc3339 is the form exactly: time.Parse takes more, one digit for an hour for example (golang.org/issue/54580).
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// FuzzTimestamp compares with the time package: what we accept, it reads alike, and what it reads as RFC 3339 with at
// most nine digits of a second, we accept.
func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"2023-11-28T06:35:12Z", "2024-02-29T23:59:59.123456+02:00", "2023-11-28 06:35:12"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := ParseTimestamp([]byte(s))
		want, err := time.Parse(time.RFC3339Nano, s)
		if err == nil && !ok && rfc3339.MatchString(s) {
			t.Fatalf("%q is refused", s)
		}
		if ok && err == nil && !got.Equal(want.Truncate(time.Microsecond)) {
			t.Fatalf("%q is %s, want %s", s, got, want)
		}
		if ok {
			if back, ok := ParseTimestamp(AppendTimestamp(nil, got)); got.Year() > 0 && got.Year() < 9999 &&
				(!ok || !back.Equal(got)) {
				t.Fatalf("%q became %q", s, AppendTimestamp(nil, got))
			}
		}
	})
}

func FuzzUUID(f *testing.F) {
	f.Add("b9fa6684-502b-4695-8f92-247432ba610d")
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := ParseUUID([]byte(s))
		if ok && id.String() != strings.ToLower(s) {
			t.Fatalf("%q became %q", s, id)
		}
		if back, ok := ParseUUID([]byte(id.String())); !ok || back != id {
			t.Fatalf("%q does not survive", id)
		}
	})
}

func fields() Fields {
	return Fields{[]byte(" 1 "), []byte("Card expense"), []byte("-952,40"), []byte("2023-11-28 06:35:12"), []byte("EDF"),
		[]byte("refund"), []byte("Debit")}
}

func rules() Rules {
	r := DefaultRules(time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC))
	r.DecimalPoint = ','
	return r
}

func text(b []byte) string { return string(b) }

func TestParseRow(t *testing.T) {
	t.Parallel()
	r, f := rules(), fields()
	var got Transaction
	if v := r.Parse(&f, &got, text); v.Code != CodeOK {
		t.Fatalf("a good row breaks %v", v)
	}
	want := Transaction{ID: DeriveID("", []byte("1")), SourceID: "1", Description: "Card expense", Amount: -9524000,
		Timestamp: time.Date(2023, 11, 28, 6, 35, 12, 0, time.UTC), Merchant: "EDF", HasMerchant: true,
		OperationType: "refund", Side: Debit}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEachRuleCanBeBroken(t *testing.T) {
	t.Parallel()
	r := rules()
	for _, tt := range []struct {
		col   int
		value string
		want  Violation
	}{
		{ColID, "  ", Violation{CodeMissing, "id"}}, {ColID, strings.Repeat("x", 300), Violation{CodeTooLong, "id"}},
		{ColID, "a\x00b", Violation{CodeControl, "id"}}, {ColID, "a\xffb", Violation{CodeUTF8, "id"}},
		{ColDescription, "a\x1bb", Violation{CodeControl, "description"}},
		{ColDescription, "a\u0085b", Violation{CodeControl, "description"}},
		{ColDescription, "a\rb", Violation{CodeControl, "description"}},
		{ColMerchant, "\xc3(", Violation{CodeUTF8, "merchant"}},
		{ColMerchant, strings.Repeat("x", 70_000), Violation{CodeTooLong, "merchant"}},
		{ColAmount, "", Violation{CodeMissing, "amount"}},
		{ColAmount, "x", Violation{CodeAmountFormat, "amount"}},
		{ColAmount, "-1,23456", Violation{CodeAmountScale, "amount"}},
		{ColAmount, "-1234567890123456", Violation{CodeAmountRange, "amount"}},
		{ColAmount, "0,00", Violation{CodeAmountZero, "amount"}},
		{ColTimestamp, "", Violation{CodeMissing, "timestamp"}},
		{ColTimestamp, "yesterday", Violation{CodeTimestamp, "timestamp"}},
		{ColTimestamp, "1999-12-31 23:59:59", Violation{CodeTimestampRange, "timestamp"}},
		{ColTimestamp, "2026-11-25 00:00:00", Violation{CodeTimestampRange, "timestamp"}},
		{ColOperation, "", Violation{CodeMissing, "operation_type"}},
		{ColOperation, "a;b", Violation{CodeOperation, "operation_type"}},
		{ColSide, "", Violation{CodeMissing, "side"}}, {ColSide, "left", Violation{CodeSide, "side"}},
		{ColSide, "credit", Violation{CodeSideMismatch, "side"}},
	} {
		f := fields()
		f[tt.col] = []byte(tt.value)
		var got Transaction
		if v := r.Parse(&f, &got, text); v != tt.want {
			t.Errorf("%s %.20q breaks %v, want %v", Columns[tt.col], tt.value, v, tt.want)
		}
		if tt.want.Code.Message() == "" {
			t.Errorf("%s has no message", tt.want.Code)
		}
	}
	for _, ok := range []struct {
		col   int
		value string
	}{{ColDescription, ""}, {ColDescription, "tab\tnew\nline\r\n é 🏦 \u202e"}, {ColMerchant, ""},
		{ColTimestamp, "2026-11-24 23:59:59"}} {
		f := fields()
		f[ok.col] = []byte(ok.value)
		var got Transaction
		if v := r.Parse(&f, &got, text); v.Code != CodeOK {
			t.Errorf("%s %q breaks %v", Columns[ok.col], ok.value, v)
		}
	}
}

func TestContentHashSeesEveryField(t *testing.T) {
	t.Parallel()
	r, f := rules(), fields()
	var base Transaction
	r.Parse(&f, &base, text)
	changed := map[string]func(*Transaction){
		"description": func(t *Transaction) { t.Description += "x" }, "amount": func(t *Transaction) { t.Amount++ },
		"timestamp":     func(t *Transaction) { t.Timestamp = t.Timestamp.Add(time.Microsecond) },
		"merchant":      func(t *Transaction) { t.Merchant = "" },
		"null merchant": func(t *Transaction) { t.HasMerchant = false },
		"operation":     func(t *Transaction) { t.OperationType = "x" },
		"side":          func(t *Transaction) { t.Side = Credit },
	}
	for name, change := range changed {
		other := base
		change(&other)
		if other.ContentHash(nil) == base.ContentHash(nil) {
			t.Errorf("the hash does not see the %s", name)
		}
	}
	same := base
	same.ID, same.SourceID = ID{}, "other"
	if same.ContentHash(new([]byte)) != base.ContentHash(nil) {
		t.Error("the hash must not see the id")
	}
}

func TestCategories(t *testing.T) {
	t.Parallel()
	for i := range CategoryCount {
		c := DefaultCategories.At(i)
		if back, ok := ParseCategory(c.String()); !ok || back != c {
			t.Errorf("category %d: %q", i, c)
		}
	}
	if _, ok := ParseCategory(""); ok || DefaultCategories.At(0).String() != "Rent" ||
		DefaultCategories.At(14).String() != "Subscriptions" {
		t.Error("the categories are not the contract's")
	}
}
