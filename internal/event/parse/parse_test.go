package parse

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/event"
)

var limits = Limits{Items: 10, ItemBytes: 10_000}

// stamps are the keys of stamps, as they stand in JSON.
const (
	inContext   = `"X-Message-Stamp-Holded\\Shared\\Infrastructure\\Messenger\\Stamp\\NewContextStamp"`
	inTimestamp = `"X-Message-Stamp-Holded\\Core\\Messaging\\Messenger\\Stamp\\TimestampStamp"`
	inMessageID = `"X-Message-Stamp-Holded\\Core\\Messaging\\Messenger\\Stamp\\MessageIdStamp"`
	inAmplitude = `"X-Message-Stamp-Holded\\Shared\\Infrastructure\\Messenger\\Stamp\\AmplitudeTrackStamp"`
)

func item(data, headers string) string {
	return `{"data":` + data + `,"headers":{"type":"T","targetSubscription":"W",` + inContext +
		`:{"accountId":"a","userId":"u"}` + headers + `}}`
}

// TestBriefsCall reads the body that the brief's own curl call sends.
func TestBriefsCall(t *testing.T) {
	t.Parallel()
	const body = `[{
    "data": {"id": "123", "amount": 100.50},
    "headers": {
      "type": "Holded\\Wallet\\Domain\\Transaction\\Events\\WalletTransactionCreatedEvent",
      "targetSubscription": "Wallet",
      "X-Message-Stamp-Holded\\Shared\\Infrastructure\\Messenger\\Stamp\\NewContextStamp": {
        "accountId": "company-123",
        "userId": "user-456"
      }
    }
  }]`
	items, single, err := Package(nil, body, limits)
	if err != nil || single || len(items) != 1 || items[0].Violation != nil {
		t.Fatalf("%+v %v %v", items, single, err)
	}
	want := event.Event{Form: event.FormPackage,
		Type:               `Holded\Wallet\Domain\Transaction\Events\WalletTransactionCreatedEvent`,
		TargetSubscription: "Wallet", AccountID: "company-123", UserID: "user-456",
		Data: `{"id":"123","amount":100.50}`,
		Attributes: `{"type":"Holded\\Wallet\\Domain\\Transaction\\Events\\WalletTransactionCreatedEvent",` +
			`"targetSubscription":"Wallet",` +
			inContext + `:{"accountId":"company-123","userId":"user-456"}}`}
	if items[0].Event != want {
		t.Errorf("%+v", items[0].Event)
	}
}

// TestForms has every form of a stamp, and both forms of an event.
func TestForms(t *testing.T) {
	t.Parallel()
	base := event.Event{Form: event.FormPackage, Type: "T", TargetSubscription: "W", AccountID: "a", UserID: "u",
		Data: `{}`}
	const at = 1735689600123000
	for text, change := range map[string]func(*event.Event){
		item(`{}`, ``): func(*event.Event) {},
		item(`{}`, `,`+inTimestamp+`:{"dispatchedAt":1735689600123}`): func(e *event.Event) {
			e.Timestamp, e.HasTimestamp, e.TimestampText = at, true, `{"dispatchedAt":1735689600123}`
		},
		item(`{}`, `,`+inTimestamp+`: "2025-01-01T02:00:00.123+02:00"`): func(e *event.Event) {
			e.Timestamp, e.HasTimestamp, e.TimestampText = at, true, `"2025-01-01T02:00:00.123+02:00"`
		},
		item(`{}`, `,`+inTimestamp+`:"2025-01-01 00:00:00.123"`): func(e *event.Event) {
			e.Timestamp, e.HasTimestamp, e.TimestampText = at, true, `"2025-01-01 00:00:00.123"`
		},
		item(`{}`, `,`+inTimestamp+`:1735689600123`): func(e *event.Event) {
			e.Timestamp, e.HasTimestamp, e.TimestampText = at, true, `1735689600123`
		},
		item(`{}`, `,`+inTimestamp+`:"{\"dispatchedAt\": \"1735689600123\"}"`): func(e *event.Event) {
			e.Timestamp, e.HasTimestamp, e.TimestampText = at, true, `"{\"dispatchedAt\": \"1735689600123\"}"`
		},
		item(`{}`, `,`+inTimestamp+`:null,`+inMessageID+`:null`): func(*event.Event) {},
		item(`{}`, `,`+inMessageID+`:"m-1"`):                     func(e *event.Event) { e.MessageID = "m-1" },
		item(`{}`, `,`+inMessageID+`:{"id":"m-\u00e9"}`):         func(e *event.Event) { e.MessageID = "m-é" },
		item(`{}`, `,`+inMessageID+`:"[{\"id\":\"m-1\"}]"`):      func(e *event.Event) { e.MessageID = "m-1" },
		item(`{}`, `,`+inAmplitude+`:{"id":18446744073709551615,"trackedDevice":"desktop"}`): func(e *event.Event) {
			e.AmplitudeID, e.Device = "18446744073709551615", "desktop"
		},
		item(`{ "a" : [ 1 , "x y" ] }`, ``): func(e *event.Event) { e.Data = `{"a":[1,"x y"]}` },
		strings.Replace(item(`{}`, ``), `"u"}`, `"u","requestPlatform":"web"}`, 1): func(e *event.Event) {
			e.Platform = "web"
		},
		strings.Replace(item(`{}`, ``), `{"data"`, `{"event_type":5,"new":[true],"data"`, 1): func(e *event.Event) {
			e.Extra = `{"new":[true],"event_type":5}`
		},
		strings.Replace(item(`{}`, ``), inContext, strings.ReplaceAll(inContext, `\\`, `\u005C`),
			1): func(*event.Event) {},
		`{"event_type":"USER_LOGIN","event_id":"e","company_id":"c","user_id":"u","timestamp":1735689600123,` +
			`"metadata":{"k":"v"},` +
			`"ip_address":"::1","user_agent":"x","session_id":"s","other":1}`: func(e *event.Event) {
			*e = event.Event{Form: event.FormSimple, Type: "USER_LOGIN", MessageID: "e", AccountID: "c", UserID: "u",
				Timestamp:    at,
				HasTimestamp: true, TimestampText: "1735689600123", Data: `{"k":"v"}`, IPAddress: "::1", UserAgent: "x",
				SessionID: "s",
				Extra:     `{"other":1}`}
		},
	} {
		want := base
		change(&want)
		for _, name := range []string{"headers", "attributes"} {
			text := strings.Replace(text, `"headers"`, `"`+name+`"`, 1)
			items, single, err := Package(nil, " "+text+"\n", limits)
			if err != nil || !single || len(items) != 1 || items[0].Violation != nil {
				t.Fatalf("%s: %+v %v %v", text, items, single, err)
			}
			got := items[0].Event
			if want.Form == event.FormPackage {
				want.Attributes = got.Attributes
			}
			if got != want || items[0].Raw != text {
				t.Errorf("%s:\n%+v, want\n%+v", text, got, want)
			}
		}
	}
}

// TestViolations has an item for every rule, between two good ones, which it does not harm.
func TestViolations(t *testing.T) {
	t.Parallel()
	const context = `/1/headers/X-Message-Stamp-Holded\Shared\Infrastructure\Messenger\Stamp\NewContextStamp`
	good := item(`{}`, ``)
	for _, c := range []struct{ item, code, pointer string }{
		{`5`, "wrong_type", "/1"},
		{`null`, "wrong_type", "/1"},
		{`[[]]`, "wrong_type", "/1"},
		{`{}`, "missing_value", "/1/headers"},
		{`{"headers":{}}`, "missing_value", "/1/headers/type"},
		{`{"headers":{"type":""}}`, "missing_value", "/1/headers/type"},
		{`{"headers":{"type":"T"},"data":{}}`, "missing_value", context},
		{`{"headers":"x","data":{}}`, "wrong_type", "/1/headers"},
		{strings.Replace(good, `"userId":"u"`, `"userId":""`, 1), "missing_value", context + "/userId"},
		{strings.Replace(good, `"accountId":"a",`, ``, 1), "missing_value", context + "/accountId"},
		{strings.Replace(good, `"accountId":"a"`, `"accountId":7`, 1), "wrong_type", context + "/accountId"},
		{strings.Replace(good, `"data":{},`, ``, 1), "missing_value", "/1/data"},
		{item(`[]`, ``), "wrong_type", "/1/data"},
		{item(`{"id":5}`, ``), "wrong_type", "/1/data/id"},
		{item(`{"amount":"5"}`, ``), "wrong_type", "/1/data/amount"},
		{item(`{"amount":1e999}`, ``), "number_range", "/1/data/amount"},
		{item(`{"x":{"y":[0,-1E+400]}}`, ``), "number_range", "/1/data/x/y/1"},
		{item(`{"x":1`+strings.Repeat("0", 400)+`}`, ``), "number_range", "/1/data/x"},
		{item(`{"x":1,"x":2}`, ``), "duplicate_field", "/1/data/x"},
		{item(`{"x":1,"\u0078":2}`, ``), "duplicate_field", "/1/data/x"},
		{item(`{"a/b":1,"a\/b":2}`, ``), "duplicate_field", "/1/data/a~1b"},
		{item(`{"x":"`+"\xff"+`"}`, ``), "invalid_utf8", "/1/data/x"},
		{item(`{"`+"\xc3"+`":1}`, ``), "invalid_utf8", "/1/data"},
		{item(`{"x":"\ud800"}`, ``), "lone_surrogate", "/1/data/x"},
		{item(`{"x":"\udc00"}`, ``), "lone_surrogate", "/1/data/x"},
		{item(`{"x":"\ud83d\ud83d\ude00"}`, ``), "lone_surrogate", "/1/data/x"},
		{item(`{"x":`+strings.Repeat("[", 70)+strings.Repeat("]", 70)+`}`, ``), "too_deep", ""},
		{item(`{}`, `,`+inTimestamp+`:"yesterday"`), "timestamp_format", ""},
		{item(`{}`, `,`+inTimestamp+`:"inf"`), "timestamp_format", ""},
		{item(`{}`, `,`+inTimestamp+`:true`), "timestamp_format", ""},
		{item(`{}`, `,`+inTimestamp+`:{"dispatchedAt":[]}`), "wrong_type", ""},
		{item(`{}`, `,`+inTimestamp+`:1e300`), "timestamp_range", ""},
		{item(`{}`, `,`+inTimestamp+`:-9223372036854775808`), "timestamp_range", ""},
		{item(`{}`, `,`+inMessageID+`:5`), "wrong_type", ""},
		{item(`{}`, `,`+inMessageID+`:"{"`), "wrong_type", ""},
		{item(`{}`, `,`+inMessageID+`:[{"id":"a"},{"id":"b"}]`), "wrong_type", ""},
		{item(`{}`, `,`+inMessageID+`:"a","X-Message-Stamp-Other\\MessageIdStamp":"b"`), "duplicate_field", ""},
		{item(`{}`, `,`+inAmplitude+`:{"id":-1}`), "wrong_type", ""},
		{item(`{}`, `,`+inAmplitude+`:{"id":1.5}`), "wrong_type", ""},
		{strings.Replace(good, `"headers"`, `"attributes":{},"headers"`, 1), "missing_value", "/1/attributes/type"},
		{strings.TrimSuffix(good, `}`) + `,"attributes":{}}`, "ambiguous_form", "/1/attributes"},
		{strings.Replace(good, `"T"`, `"T\u0000"`, 1), "control_character", "/1/headers/type"},
		{strings.Replace(good, `"T"`, `"`+strings.Repeat("T", 513)+`"`, 1), "too_long", "/1/headers/type"},
		{item(`{"x":"`+strings.Repeat("x", 10_000)+`"}`, ``), "event_too_large", "/1"},
		{`{"event_type":"USER_LOGIN"}`, "missing_value", "/1/company_id"},
		{`{"event_type":"","company_id":"c"}`, "missing_value", "/1/event_type"},
		{`{"event_type":5,"company_id":"c"}`, "wrong_type", "/1/event_type"},
		{`{"event_type":"A","company_id":"c","metadata":{"k":1}}`, "wrong_type", "/1/metadata/k"},
		{`{"event_type":"A","company_id":"c","metadata":[]}`, "wrong_type", "/1/metadata"},
		{`{"event_type":"A","company_id":"c","timestamp":"x"}`, "timestamp_format", "/1/timestamp"},
	} {
		items, _, err := Package(nil, "["+good+","+c.item+","+good+"]", limits)
		if err != nil || len(items) != 3 || items[0].Violation != nil || items[2].Violation != nil {
			t.Errorf("%.200s: %v", c.item, err)
			continue
		}
		v := items[1].Violation
		if v == nil || string(v.Code) != c.code || c.pointer != "" && v.Pointer != c.pointer || v.Code.Message() == "" {
			t.Errorf("%.200s: %+v, want %s at %s", c.item, v, c.code, c.pointer)
		}
		if items[1].Raw != c.item {
			t.Errorf("%.200s became %.200s", c.item, items[1].Raw)
		}
	}
}

// TestManyFields has an object with more fields than are compared one by one.
func TestManyFields(t *testing.T) {
	t.Parallel()
	for _, n := range []int{23, 24, 25, 26, 1000} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":%d,`, i, i)
		}
		for last, code := range map[string]event.Code{`"last":0`: "", `"k3":0`: event.CodeDuplicateField,
			fmt.Sprintf(`"k%d":0`, n-1): event.CodeDuplicateField} {
			got, err := One(item(`{`+b.String()+last+`}`, ``), 1<<20)
			if err != nil || (got.Violation == nil) != (code == "") || code != "" && got.Violation.Code != code {
				t.Errorf("%d fields and %s: %+v, %v", n, last, got.Violation, err)
			}
		}
	}
}

// TestNoJSON has texts that are refused as a whole.
func TestNoJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "[", "]", "{", `{"a"}`, `{"a":}`, `{"a":1,}`, "[1,]", "[1 2]", "nul",
		"nulll", "NaN", "[NaN]", "-", "01", "1.", ".5",
		"1e", "+1", "Infinity", `"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "[]x", "{} {}", "\xef\xbb\xbf{}",
		"{'a':1}", "[1]//", "\x00",
		strings.Repeat("[", 1001) + strings.Repeat("]", 1001), strings.Repeat(`{"a":`, 100_000)} {
		_, _, err := Package(nil, text, limits)
		if e := (*Error)(nil); !errors.As(err, &e) || e.Items || e.Offset < 0 || e.Offset > len(text) {
			t.Errorf("%.30q: %v", text, err)
		}
	}
	_, _, err := Package(nil, "["+strings.Repeat("1,", 10)+"1]", limits)
	if e := (*Error)(nil); !errors.As(err, &e) || !e.Items {
		t.Errorf("too many items: %v", err)
	}
	if items, single, err := Package(nil, " [ ] ", limits); err != nil || single || len(items) != 0 {
		t.Errorf("an empty package: %v %v", items, err)
	}
}
