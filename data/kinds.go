package data

import (
	"fmt"
	"slices"
	"strings"

	t "github.com/txflow/txflow/internal/transaction"
)

// Kinds are all the ways in which a dirty file's rows are odd; each is as frequent as the next, but for those of tens
// of kilobytes.
func Kinds() []Kind { return slices.Clone(kinds) }

// textLimit is the default limit of a description or merchant, in bytes.
const textLimit = 64 << 10

var kinds = slices.Concat(rejects, repeats, hostile, unusual)

func reject(name string, code t.Code, bend func(*odd)) Kind {
	return Kind{Name: name, Fate: Rejected, Code: code, bend: bend}
}

func accept(name string, bend func(*odd)) Kind { return Kind{Name: name, Fate: Accepted, bend: bend} }

// to sets a column to one of the values.
func to(column int, values ...string) func(*odd) {
	return func(o *odd) { o.set(column, values[o.random%uint64(len(values))]) }
}

// plain sets a column without quotes around it.
func plain(column int, values ...string) func(*odd) {
	set := to(column, values...)
	return func(o *odd) { set(o); o.quote[column] = false }
}

// number sets the amount; a comma in it stands for the dialect's decimal mark.
func number(values ...string) func(*odd) {
	return func(o *odd) {
		o.set(t.ColAmount, strings.ReplaceAll(values[o.random%uint64(len(values))], ",", string(o.w.Decimal)))
	}
}

var rejects = []Kind{
	reject("too few fields", t.CodeColumns, func(o *odd) { o.fewer = 1 + int(o.random%3) }),
	reject("too many fields", t.CodeColumns, func(o *odd) { o.more = []byte{o.w.Delimiter, 'x'} }),
	reject("text after a closing quote", t.CodeQuote, func(o *odd) {
		o.set(t.ColDescription, `"Card" expense`)
		o.verbatim[t.ColDescription] = true
	}),
	reject("quote inside an unquoted field", t.CodeQuote, func(o *odd) {
		o.set(t.ColMerchant, `La "Poste"`)
		o.verbatim[t.ColMerchant] = true
	}),
	reject("no id", t.CodeMissing, to(t.ColID, "", " ")),
	reject("no amount", t.CodeMissing, to(t.ColAmount, "", " ")),
	reject("no timestamp", t.CodeMissing, to(t.ColTimestamp, "", " \t")),
	reject("no operation type", t.CodeMissing, to(t.ColOperation, "")),
	reject("no side", t.CodeMissing, plain(t.ColSide, "")),
	reject("id too long", t.CodeTooLong, func(o *odd) { o.set(t.ColID, strings.Repeat("9", 257+int(o.random%100))) }),
	{Name: "description too long", Fate: Rejected, Code: t.CodeTooLong, long: true,
		bend: to(t.ColDescription, strings.Repeat("long ", textLimit/5+1))},
	{Name: "merchant too long", Fate: Rejected, Code: t.CodeTooLong, long: true,
		bend: to(t.ColMerchant, strings.Repeat("é", textLimit/2+1))},
	reject("id not UTF-8", t.CodeUTF8, to(t.ColID, "12\xff", "\xe9t\xe9")),
	reject("description in Latin-1", t.CodeUTF8, to(t.ColDescription, "Caf\xe9 cr\xe8me", "cut \xf0\x9f\x98",
		"surrogate \xed\xa0\x80", "overlong \xc0\xaf")),
	reject("merchant in Latin-1", t.CodeUTF8, to(t.ColMerchant, "Intermarch\xe9")),
	reject("NUL in the description", t.CodeControl, to(t.ColDescription, "nul \x00 byte", "\x00")),
	reject("escape sequence in the description", t.CodeControl, to(t.ColDescription, "\x1b[31mred\x1b[0m",
		"\x1b]0;title\x07", "back\x08space")),
	reject("control character in the merchant", t.CodeControl, to(t.ColMerchant, "del\x7f", "c1 \u0085", "lone\rreturn")),
	reject("control character in the id", t.CodeControl, to(t.ColID, "1\x002", "\x1f1")),
	reject("amount is no number", t.CodeAmountFormat, to(t.ColAmount, "abc", "1e3", "NaN", "-Infinity", "0x10", "--5", "-",
		"12-", "½", "€5", "5 EUR")),
	reject("amount with a thousands separator", t.CodeAmountFormat, number("1 000,50", "1'000,50", "1\u00a0000,50",
		"1,000,50")),
	reject("amount ends in its mark", t.CodeAmountFormat, number("5,", "-,5", ",")),
	reject("amount of five decimals", t.CodeAmountScale, number("-1,23456", "0,00001", "1,00000")),
	reject("amount out of range", t.CodeAmountRange, number("1000000000000000,00", "-99999999999999999999999",
		"100000000000000")),
	reject("amount zero", t.CodeAmountZero, number("0,00", "-0", "0,0000")),
	reject("timestamp of another form", t.CodeTimestamp, to(t.ColTimestamp, "28/11/2023 06:35:12", "2023-11-28",
		"1701153312", "yesterday", "2023-11-28 06:35", "2023-11-28T06:35:12+0100", "20231128T063512Z")),
	reject("timestamp that never was", t.CodeTimestamp, to(t.ColTimestamp, "2023-02-29 10:00:00", "2023-13-01 10:00:00",
		"2023-11-28 24:00:00", "2023-11-28 10:60:00", "0000-00-00 00:00:00")),
	reject("timestamp too early", t.CodeTimestampRange, to(t.ColTimestamp, "1999-12-31 23:59:59", "1970-01-01 00:00:00",
		"0001-01-01 00:00:00")),
	reject("timestamp too late", t.CodeTimestampRange, to(t.ColTimestamp, "2999-01-01 00:00:00", "9999-12-31 23:59:59")),
	reject("side unknown", t.CodeSide, to(t.ColSide, "withdrawal", "D", "credits", "debit.")),
	reject("side against the sign", t.CodeSideMismatch, func(o *odd) {
		o.set(t.ColSide, map[bool]string{true: "credit", false: "debit"}[o.row.debit])
	}),
	reject("operation type of odd shape", t.CodeOperation, to(t.ColOperation, "trans/fer", "virement reçu", "a;b",
		strings.Repeat("x", 65), "=1+1")),
}

// repeats say an earlier row's id again.
var repeats = []Kind{
	{Name: "the same row again", Fate: Duplicate, old: true, bend: func(*odd) {}},
	{Name: "the same row written otherwise", Fate: Duplicate, old: true, bend: func(o *odd) {
		o.set(t.ColID, " "+string(o.values[t.ColID])+"\t")
		o.values[t.ColAmount] = append(o.values[t.ColAmount], "00"...)
		o.values[t.ColTimestamp] = append(o.values[t.ColTimestamp][:19], ".000+00:00"...)
		o.values[t.ColTimestamp][10] = 'T'
		o.set(t.ColSide, strings.ToUpper(string(o.values[t.ColSide])))
		o.quote = [7]bool{t.ColID: true, t.ColAmount: true}
	}},
	{Name: "an earlier id with another amount", Fate: Rejected, Code: t.CodeConflict, old: true, bend: func(o *odd) {
		o.values[t.ColAmount] = append(o.values[t.ColAmount], "01"...)
	}},
	{Name: "an earlier id with another merchant", Fate: Rejected, Code: t.CodeConflict, old: true,
		bend: to(t.ColMerchant, "", "Another")},
}

// hostile rows are valid: what they hold must come through unharmed and do no harm.
var hostile = []Kind{
	accept("quotes in the text", to(t.ColDescription, `the "best" shop`, `"`, `""`, `ends in a quote"`)),
	accept("delimiters in the text", to(t.ColDescription, "a;b,c|d\te", ";;;")),
	accept("newlines in the text", to(t.ColDescription, "first line\nsecond line", "\n", "windows\r\nends",
		"a\n\n\"b\"\n")),
	accept("a row inside the text",
		to(t.ColDescription, "x\n1;\"Purchase\";-1,00;\"2023-01-01 00:00:00\";\"EDF\";\"refund\";\"debit\"\n")),
	accept("spreadsheet formula", to(t.ColDescription, `=cmd|' /C calc'!A0`, "+1+1", "-1+1", "@SUM(A1:A9)",
		`=HYPERLINK("http://example.com","x")`)),
	accept("SQL", to(t.ColDescription, `'; DROP TABLE transactions; --`, `Robert'); SELECT 1`, `\'); --`)),
	accept("JSON", to(t.ColDescription, `{"id": "1", "amount": null}`, `"},{"id":"2"`, `[1,2]`,
		"\u2028line\u2029separators")),
	accept("markup", to(t.ColDescription, `<script>alert(1)</script>`, `{{7*7}}`, `${jndi:ldap://example.com/a}`, `%s%n%d`,
		`../../etc/passwd`)),
	accept("backslashes", to(t.ColDescription, `C:\new\table`, `\N`, `\`, `\\`, `\t`, `\x00`, `ends in \`)),
	accept("emoji", to(t.ColDescription, "☕ 👩‍👩‍👧‍👦 🇫🇷", "😀")),
	accept("right to left", to(t.ColDescription, "\u202egnp.exe", "שלום עולם", "مرحبا\u200f")),
	accept("invisible characters", to(t.ColDescription, "zero\u200bwidth", "\ufeff", "e\u0301 and \u00e9", "\u00a0",
		"\U0010ffff")),
	accept("tab and spaces around the text", to(t.ColDescription, "  padded\t", "\t", "   ")),
	accept("merchant of odd text", to(t.ColMerchant, "Crêperie «Chez Zoé»", "L'Oréal; \"Paris\"", "NULL", "null", "O\nK",
		"北京")),
	{Name: "long text", Fate: Accepted, long: true, bend: to(t.ColDescription, strings.Repeat("é", textLimit/2))},
}

// unusual rows are valid and written as other systems would.
var unusual = []Kind{
	accept("no merchant", to(t.ColMerchant, "")),
	accept("no merchant and no quotes", plain(t.ColMerchant, "")),
	accept("no description", to(t.ColDescription, "")),
	accept("UUID as id", func(o *odd) {
		o.set(t.ColID, fmt.Sprintf("%08X-0000-4000-8000-%012x", uint32(o.random), o.row.id))
	}),
	accept("text as id", func(o *odd) { o.set(t.ColID, fmt.Sprintf("TX/%d é", o.row.id)) }),
	accept("id in quotes and spaces", func(o *odd) {
		o.set(t.ColID, " "+string(o.values[t.ColID])+" ")
		o.quote[t.ColID] = true
	}),
	accept("amount in quotes", func(o *odd) { o.quote[t.ColAmount] = true }),
	accept("amount of four decimals", func(o *odd) { o.values[t.ColAmount] = append(o.values[t.ColAmount], "07"...) }),
	accept("amount with a plus", func(o *odd) {
		o.set(t.ColAmount, "+"+strings.TrimPrefix(string(o.values[t.ColAmount]), "-"))
		o.set(t.ColSide, "credit")
	}),
	accept("great amount", func(o *odd) {
		number("99999999999999,9999")(o)
		o.set(t.ColSide, "credit")
	}),
	accept("smallest amount", func(o *odd) {
		number("-0,0001")(o)
		o.set(t.ColSide, "debit")
	}),
	accept("timestamp with an offset", to(t.ColTimestamp, "2023-06-01T00:30:00+02:00", "2023-06-01T12:00:00Z",
		"2023-06-01 12:00:00-03:30")),
	accept("timestamp with a fraction", to(t.ColTimestamp, "2023-06-01T12:00:00.123456Z", "2023-06-01 12:00:00.5")),
	accept("another operation type", to(t.ColOperation, "card", "SEPA-CT", "fee_2", "standing order")),
	accept("side in capitals", func(o *odd) { o.set(t.ColSide, strings.ToUpper(string(o.values[t.ColSide]))) }),
	accept("no quotes at all", func(o *odd) { o.quote = [7]bool{} }),
	accept("after an empty line", func(o *odd) { o.before = o.w.end }),
}
