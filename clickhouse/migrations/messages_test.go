package migrations_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/transactions/message"
)

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// text is a text that a transaction may have; now and then a long one.
func text(r *rand.Rand) string {
	alphabet := []string{"a", "Z", "9", " ", "\"", "\\", "/", "\t", "\n", "'", "`", ",", ";", "{", "}", ":", "é", "ß",
		"\u2028", "\u00a0", "💶", "\u0000", "\u001f", "\ufffd", "\\N", "\\u0041"}
	var b strings.Builder
	for range pick(r, 0, 1, 5, 20, 20, 20, 20, 20, 500) {
		b.WriteString(pick(r, alphabet...))
	}
	if r.IntN(500) == 0 {
		return strings.Repeat("é", 32<<10)
	}
	return b.String()
}

// amount is any that the contract allows, often at its limits and at those of other types.
func amount(r *rand.Rand) transaction.Amount {
	limits := []int64{1, 9999, 10_000, math.MaxInt32, 922_337_203_685_477, 922_337_203_685_478, 922_337_203_685_4775,
		int64(transaction.MaxAmount) - 1, int64(transaction.MaxAmount)}
	a := pick(r, pick(r, limits...), r.Int64N(1_000_000)+1, r.Int64N(int64(transaction.MaxAmount))+1)
	return transaction.Amount(pick(r, a, -a))
}

// oddYear is one of a century: a part for each of 9999 years would take minutes to write and to merge.
var oddYear = rand.IntN(100)

// moment is any with a year of four digits, mostly one of today.
func moment(r *rand.Rand) time.Time {
	years := func(from, to int) time.Time {
		first, last := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(to+1, 1, 1, 0, 0, 0, 0, time.UTC)
		return time.UnixMicro(first.UnixMicro() + r.Int64N(last.UnixMicro()-first.UnixMicro())).UTC()
	}
	odd := max(1, oddYear+100*r.IntN(100))
	return pick(r, years(2000, 2026), years(2000, 2026), years(1900, 2299), years(odd, odd), time.Unix(0, 0).UTC(),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Date(2024, 2, 29, 23, 59, 59, 1000, time.UTC))
}

var positions uint64 = 100_000

// position is one that no other row has, nor gets where spoil changes a byte of it: its last digit makes the sum of all
// digits a multiple of ten.
func position(r *rand.Rand) uint64 {
	positions++
	front := pick(r, positions, 1e18+positions)
	sum := uint64(0)
	for rest := front; rest > 0; rest /= 10 {
		sum += rest % 10
	}
	return front*10 + (10-sum%10)%10
}

// validRow is a row of the stream that meets the contract.
func validRow(r *rand.Rand, info *ledger.RunInfo) ledger.Classified {
	t := transaction.Transaction{ID: transaction.ID(uuid.New()), SourceID: text(r), Description: text(r),
		Amount: amount(r), Timestamp: moment(r),
		Merchant: text(r), HasMerchant: r.IntN(3) > 0, OperationType: pick(r, "card", "x", "a b_c-d.e",
			strings.Repeat("z", 64)), Side: transaction.Credit}
	if !t.HasMerchant {
		t.Merchant = ""
	}
	if t.Amount < 0 {
		t.Side = transaction.Debit
	}
	*info = ledger.RunInfo{Pipeline: "stream", RunID: "txflow-classify", Source: text(r),
		OriginTraceID: pick(r, "", "feed")}
	category, _ := transaction.ParseCategory(pick(r, "Rent", "Food", "Salary Income", "Subscriptions"))
	return ledger.Classified{Transaction: t, ContentHash: pick(r, 0, 1, math.MaxUint64, r.Uint64()), Category: category,
		Call: &prediction.Call{Model: text(r), Attempt: pick(r, 1, 7, 1<<16-1), TraceID: pick(r, "", "ab"),
			SpanID: pick(r, "", "cd"), Sampled: r.IntN(2) > 0,
			AnsweredAt: time.UnixMicro(pick(r, 1, 1_700_000_000_123_456+r.Int64N(1_000_000)))},
		Origin: ledger.Origin{Origin: "transactions.raw", Digest: pick(r, "", "cluster/topic"),
			Partition: pick(r, 0, 5, int32(math.MaxInt32)),
			Position:  position(r)},
		Version: pick(r, 0, 1, 1_700_000_000_000_000+r.Int64N(1_000_000_000))}
}

func validMessage(r *rand.Rand) ([]byte, ledger.Classified, ledger.RunInfo) {
	var info ledger.RunInfo
	row := validRow(r, &info)
	return appendMessage(&row, &info), row, info
}

func appendMessage(row *ledger.Classified, info *ledger.RunInfo) []byte {
	return message.AppendClassified(nil, row, info.AppendCall(nil, row.Origin, row.Call))
}

// validDeadLetter is a message of transactions.dlq with fields that make sense.
func validDeadLetter(r *rand.Rand) map[string]any {
	m := map[string]any{"pipeline": "stream", "run_id": "txflow-classify", "source": text(r),
		"origin":        "transactions.raw",
		"origin_digest": pick(r, "", "cluster/topic"), "partition": pick(r, 0, 5, int32(math.MaxInt32)),
		"position": position(r),
		"id":       uuid.NewString(), "source_id": text(r), "content_hash": pick(r, 0, math.MaxUint64, r.Uint64()),
		"outcome": pick(r, "rejected", "dead_letter"), "column": pick(r, "", "amount"), "code": "amount_format",
		"message":       text(r),
		"raw":           base64.StdEncoding.EncodeToString([]byte(pick(r, "", "x", "\xff\x00", text(r)))),
		"attempt":       pick(r, 0, 1<<16-1),
		"model_version": text(r), "trace_id": "ab", "span_id": "", "traceparent": pick(r, "", "00-ab-cd-01"),
		"replays":    pick(r, 0, 3, 1<<16-1),
		"at":         moment(r).Format("2006-01-02 15:04:05.000000"),
		"version_us": pick(r, 0, 1, 1_700_000_000_000_000+r.Int64N(1_000_000_000))}
	if r.IntN(4) > 0 { // those of older releases have no headers
		m["key"], m["headers"] = odd(r), []any{}
		for range r.IntN(4) {
			m["headers"] = append(m["headers"].([]any), map[string]any{"name": pick(r, []byte("a"), []byte("\xff"), []byte{}),
				"value": odd(r)})
		}
	}
	return m
}

// odd are bytes that a key or a header may have, or none.
func odd(r *rand.Rand) any {
	return pick[any](r, nil, []byte{}, []byte("x"), []byte("\xff\x00\n"), []byte(text(r)))
}

// wild are values that a field may have where anybody writes to the topic.
func wild(r *rand.Rand) any {
	return pick[any](r, nil, "", "x", -1, 0, 1, 5.5, 1e30, -1e300, true, false, []any{}, []any{1, "2"}, map[string]any{},
		map[string]any{"pipeline": "p", "origin": 5},
		json.Number("18446744073709551615"), json.Number("18446744073709551616"), json.Number("-9223372036854775809"),
		json.Number("9223372036854775807"),
		"99999999999999.9999", "999999999999999", "1.23456", "1e5", "NaN", "+1", ".5", "5.", "２", "credit", "Debit", "stored",
		"duplicate", "rejected",
		"2024-02-30 00:00:00.000000", "2024-02-29 00:00:00", "0000-00-00 00:00:00.000000", "9999-12-31 23:59:59.999999",
		"1850-01-01 00:00:00.000000", "now",
		"00000000-0000-0000-0000-000000000000", "zz000000-0000-0000-0000-000000000000", "====", "AA=A", "YQ",
		strings.Repeat("x", 70_000), text(r))
}

// spoil changes a message in some way; what comes out may be valid still.
func spoil(r *rand.Rand, valid []byte) []byte {
	switch r.IntN(8) {
	case 0, 1, 2, 3, 4: // a field
		m := decode(valid)
		in := m
		if call, ok := m["call"].(map[string]any); ok && r.IntN(3) == 0 {
			in = call
		}
		name := pick(r, keys(in)...)
		if in[name] = wild(r); r.IntN(6) == 0 {
			delete(in, name)
		}
		return encode(m)
	case 5: // a byte
		b := bytes.Clone(valid)
		b[r.IntN(len(b))] = byte(r.IntN(256))
		return b
	case 6: // the rest is missing
		return bytes.Clone(valid[:r.IntN(len(valid))])
	}
	return []byte(pick(r, "", "{", "}", "[]", "[1]", "null", "5", `"x"`, "{}", "\xff\xfe", `{"a":1}{"a":2}`,
		`{"amount":"1","amount":"2"}`, `{"description":"\ud800"}`,
		`{"id":`+strings.Repeat("[", 5000)+"}", `{"id":"x"} rest`, "\n\n", `{"id":1`+"\n"+`}`, string(valid)+"x"))
}

// decode reads a message as ClickHouse does: a text may hold control characters as they are. It is nil for what is no
// object.
func decode(b []byte) map[string]any {
	if m := decodeStrictly(b); m != nil {
		return m
	}
	var escaped []byte
	for _, c := range b {
		if c < ' ' {
			escaped = fmt.Appendf(escaped, `\u%04x`, c)
		} else {
			escaped = append(escaped, c)
		}
	}
	return decodeStrictly(escaped)
}

func decodeStrictly(b []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var m map[string]any
	if d.Decode(&m) != nil || d.More() {
		return nil
	}
	return m
}

func encode(m map[string]any) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("plain data: %v", err))
	}
	return b
}

func keys(m map[string]any) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	return names
}
