package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
)

// attributes are those of an ordinary event.
const attributes = `{"type":"Holded\\Wallet\\Domain\\Transaction\\Events\\WalletTransactionCreatedEvent",` +
	`"targetSubscription":"wallet_events","X-Message-Stamp-Holded\\Shared\\Infrastructure\\Messenger\\Stamp` +
	`\\NewContextStamp":{"accountId":"company-123","userId":"user-456","requestPlatform":"web"}}`

func FuzzValid(f *testing.F) {
	for _, s := range []string{"", " ", attributes, `{}`, `[ ]`, ` [1 , 2.50,-0,0.1e+7 ,1E9,-1e-9] `,
		`{"a":{"b":[[],{}]}}`,
		`"é😀\u00e9\uD83D\"\\\/\b\f\n\r\t"`, `true`, `false`, `null`, `nul`, `truex`, `01`, `-`, `1.`, `.5`, `1e`, `1e+`,
		`+1`, `0x1`, `"`, `"\`, `"\u12`, `"\u123g"`, `"\x"`, "\"\x01\"", "\"\xff\"", `{`, `{"a"`, `{"a":`, `{"a":1`,
		`{"a":1,}`,
		`{"a":1,"b"}`, `{a:1}`, `{,}`, `[1,]`, `[,1]`, `[1 2]`, `[1}`, `{"a":1]`, `1 2`, "\u00a01", `"\u00G0"`, `"\u0@00"`,
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
		strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := Valid(s), json.Valid([]byte(s)); got != want {
			t.Fatalf("%q: %v, and encoding/json says %v", s, got, want)
		}
	})
}

func BenchmarkValid(b *testing.B) {
	text := []byte(attributes)
	for name, valid := range map[string]func() bool{"Valid": func() bool { return Valid(attributes) },
		"encoding_json": func() bool { return json.Valid(text) }} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(attributes)))
			for b.Loop() {
				if !valid() {
					b.Fatal("it is valid")
				}
			}
		})
	}
}
