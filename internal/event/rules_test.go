package event

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func defaultRules(t *testing.T) *Rules {
	t.Helper()
	r, err := ParseRules(DefaultRules)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestContext(t *testing.T) {
	t.Parallel()
	r := defaultRules(t)
	for kind, want := range map[string]string{
		"USER_LOGIN": "user_activity", "INVOICE_DELETED": "billing", "PAYMENT_RECEIVED": "payments",
		"CUSTOMER_UPDATED": "customer_management",
		"PRODUCT_CREATED":  "product_management", "ORDER_CREATED": "other", "": "other", "user_login": "other",
		"MY_USER_LOGIN": "other",
		`Holded\Wallet\Domain\Transaction\Events\WalletTransactionCreatedEvent`:  "financial",
		`Holded\Wallet\Domain\Account\Events\AccountCreatedEvent`:                "account_management",
		`Holded\Wallet\Domain\AccountHolder\Events\AccountHolderUpdatedEvent`:    "account_management",
		`Holded\Wallet\Domain\User\Events\UserUpdatedEvent`:                      "user_activity",
		`Holded\Wallet\Domain\Subscription\Events\WalletSubscriptionFailedEvent`: "subscriptions",
		`Holded\Wallet\Domain\Card\Events\CardCreatedEvent`:                      "other",
		`Holded\Wallet\Transaction\WalletTransactionCreatedEvent`:                "other",
		`Holded\Wallet\Domain\Transactional\Events\X`:                            "other",
		`Holded\Wallet\Domain\User`:                                              "user_activity",
	} {
		if got := r.Context(kind); got != want {
			t.Errorf("%s is %s, want %s", kind, got, want)
		}
	}
}

// TestScore has every lost point recorded with its rule, and the sum never below 0.
func TestScore(t *testing.T) {
	t.Parallel()
	r := defaultRules(t)
	full := Event{Form: FormSimple, UserID: "u", IPAddress: "127.0.0.1", UserAgent: "a", SessionID: "s", Data: `{"a":"b"}`,
		HasTimestamp: true}
	if left, lost := r.Score(&full, nil); left != "1" || len(lost) != 0 {
		t.Errorf("a whole one: %s, %v", left, lost)
	}
	left, lost := r.Score(&Event{Form: FormSimple, Data: "{}"}, nil)
	want := []Loss{{"no_user_id", "0.1"}, {"no_ip_address", "0.1"}, {"no_user_agent", "0.1"}, {"no_session_id", "0.1"},
		{"no_metadata", "0.1"}}
	if left != "0.5" || !slices.Equal(lost, want) {
		t.Errorf("an empty one: %s, %v", left, lost)
	}
	left, lost = r.Score(&Event{Form: FormPackage, UserID: "u", Data: "{}", MessageID: "m"}, lost[:0])
	if want := []Loss{{"no_timestamp", "0.1"}, {"no_platform", "0.1"}, {"no_data", "0.1"}}; left != "0.7" ||
		!slices.Equal(lost, want) {
		t.Errorf("a package: %s, %v", left, lost)
	}
	heavy, err := ParseRules(bytes.ReplaceAll(DefaultRules, []byte(`"0.1"`), []byte(`"0.755"`)))
	if err != nil {
		t.Fatal(err)
	}
	if left, lost := heavy.Score(&Event{Form: FormSimple}, nil); left != "0" || len(lost) != 5 ||
		lost[0].Points != "0.755" {
		t.Errorf("more lost than there is: %s, %v", left, lost)
	}
}

func TestPunctual(t *testing.T) {
	t.Parallel()
	r, hour := defaultRules(t), time.Hour.Microseconds()
	for _, c := range []struct {
		at           int64
		late, future bool
	}{{0, false, false}, {-hour, false, false}, {-hour - 1, true, false}, {hour / 60, false, false},
		{hour/60 + 1, false, true}} {
		e := Event{HasTimestamp: true, Timestamp: 10*hour + c.at}
		if late, future := r.Punctual(&e, 10*hour); late != c.late || future != c.future {
			t.Errorf("%d: late %v, future %v", c.at, late, future)
		}
	}
	if late, future := r.Punctual(&Event{}, 10*hour); late || future {
		t.Error("an event without a time is late, or of the future")
	}
}

// TestParseRules gives each file a version of its own, and names the faults of one, all at once.
func TestParseRules(t *testing.T) {
	t.Parallel()
	r := defaultRules(t)
	other, err := ParseRules(bytes.Replace(DefaultRules, []byte("1h"), []byte("2h"), 1))
	if err != nil || other.Version == r.Version || !strings.HasPrefix(other.Version, "1-") ||
		len(other.Version) != len("1-01234567") {
		t.Errorf("%v, versions %s and %s", err, r.Version, other.Version)
	}
	_, err = ParseRules([]byte(`{"late_after":"soon","contexts":{"prefixes":[{"of":"A"}]},"score":[
		{"rule":"a","missing":"all","points":"1"}, {"rule":"b","missing":"data","points":"0.0001"},
		{"missing":"data","points":"1"}, {"rule":"c","form":"x","missing":"data","points":"1"}]}`))
	for _, want := range []string{"late_after", "version", "contexts.other", "contexts.prefixes[0]",
		"score[0]: missing is \"all\"", "score[1]: points",
		"score[2]: rule", "score[3]: form"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	for _, text := range []string{"", "[]", `{"versions":"1"}`, string(DefaultRules) + "{}"} {
		if _, err := ParseRules([]byte(text)); err == nil {
			t.Errorf("%.20q is accepted", text)
		}
	}
}
