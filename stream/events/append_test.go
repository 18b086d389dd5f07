package events

import (
	"encoding/json"
	"reflect"
	"testing"

	jsonlibrary "github.com/go-json-experiment/json"
)

// TestAppendRefined has every field read back by the standard library as it was, also texts that must be escaped.
func TestAppendRefined(t *testing.T) {
	t.Parallel()
	var r Refined
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString(v.Type().Field(i).Name)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int32, reflect.Int64:
			f.SetInt(int64(i + 1))
		case reflect.Uint64:
			f.SetUint(^uint64(i))
		case reflect.Slice:
			f.Set(reflect.ValueOf([]Lost{{"a", "0.1"}, {"b", "0.25"}}))
		default:
			t.Fatalf("%s is of a kind that this test does not know", v.Type().Field(i).Name)
		}
	}
	for _, text := range []string{"plain", "\"\\\n\x00\x1f\u2028é\U0001F600</script>"} {
		r.Token, r.Type, r.UserID, r.Data, r.Attributes, r.Extra, r.TimestampText = text, text, text, text, text, text, text
		r.UserAgent, r.SessionID, r.Platform, r.Device, r.IPAddress, r.MessageID = text, text, text, text, text, text
		r.Context, r.RulesVersion, r.AccountID, r.TargetSubscription, r.AmplitudeID, r.OriginDigest = text, text, text, text,
			text, text
		r.LostPoints[0].Rule = text
		line := AppendRefined(nil, &r)
		var got Refined
		if err := json.Unmarshal(line, &got); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s: %v\n%+v\n%+v", line, err, got, r)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(line, &fields); err != nil || len(fields) != v.NumField() {
			t.Errorf("%d fields, %v", len(fields), err)
		}
	}
	r.LostPoints = nil
	if got := (Refined{}); json.Unmarshal(AppendRefined(nil, &r), &got) != nil || len(got.LostPoints) != 0 {
		t.Errorf("%+v", got)
	}
}

// BenchmarkRefined compares the writer by hand with the libraries.
func BenchmarkRefined(b *testing.B) {
	const id = "3f7c0a52-18ab-4f0e-9d5e-5b4a4d1c7c11"
	r := Refined{EventID: id, CorrelationID: id, Token: "crm", Form: "package",
		Type:               `Holded\Wallet\Domain\PaymentWasMade`,
		TargetSubscription: "billing", AccountID: "account-1", UserID: "user-1", MessageID: id, TimestampUS: 1735689600123000,
		TimestampSource: "sender", Data: `{"id":"1","amount":100.50}`, Attributes: `{"trackedDevice":"desktop"}`, Extra: "{}",
		ReceivedUS: 1735689600123000, PublishedUS: 1735689600123000, ProcessedUS: 1735689600123000, SchemaID: 7,
		Context: "billing",
		Score:   "0.9", LostPoints: []Lost{{"user_agent", "0.1"}}, RulesVersion: "1", Origin: Raw,
		OriginDigest: "cluster/topic",
		Position:     1 << 40, ContentHash: 1 << 63}
	for name, write := range map[string]func() error{
		"by hand":       func() error { _ = AppendRefined(make([]byte, 0, 1500), &r); return nil },
		"encoding/json": func() error { _, err := json.Marshal(&r); return err },
		"json v2":       func() error { _, err := jsonlibrary.Marshal(&r); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
