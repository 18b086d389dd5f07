package transaction

import (
	"testing"
	"time"
)

// An amount with separators is read exactly where its groups are of three digits, and is none otherwise.
func TestThousandsAreReadOnlyInGroupsOfThree(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text             string
		thousands, point byte
		want             string // "" for no amount
	}{
		{"-1,234", ',', '.', "-1234"}, {"-1,234,567.89", ',', '.', "-1234567.89"}, {"-12.5", ',', '.', "-12.5"},
		{"-1234567", ',', '.', "-1234567"},
		{"-1.250", '.', ',', "-1250"}, {"-1.250,5", '.', ',', "-1250.5"}, {"-1'000'000.05", '\'', '.', "-1000000.05"},
		{"-1 234,56", ' ', ',', "-1234.56"}, {"-1\u00a0234,56", ' ', ',', "-1234.56"},
		{"-12\u202f234\u202f567", ' ', ',', "-12234567"},
		{"-1,23", ',', '.', ""}, {"-1,2345", ',', '.', ""}, {"-1234,567", ',', '.', ""}, {"-,123", ',', '.', ""},
		{"-1,,234", ',', '.', ""},
		{"-1,234,", ',', '.', ""}, {"-0,123", ',', '.', ""}, {"-1.234,567", ',', '.', ""}, {"-1,234.5.6", ',', '.', ""},
		{"-1,234", 0, '.', ""},
		{"1,-234", ',', '.', ""}, {"- 1 234", ' ', ',', ""}, {"-1,234.12345", ',', '.', ""}, {"", ',', '.', ""},
	} {
		rules := DefaultRules(time.Now())
		rules.Thousands, rules.DecimalPoint = tt.thousands, tt.point
		fields := Fields{[]byte("1"), nil, []byte(tt.text), []byte("2024-01-02 03:04:05"), nil, []byte("card"),
			[]byte("debit")}
		var got Transaction
		v := rules.Parse(&fields, &got, func(b []byte) string { return string(b) })
		if (v.Code == CodeOK) != (tt.want != "") || v.Code == CodeOK && got.Amount.String() != tt.want {
			t.Errorf("%q: %v, %s; want %q", tt.text, v, got.Amount, tt.want)
		}
	}
}
