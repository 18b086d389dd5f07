package data

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// classes are the types of events, and how many of a hundred events are of each.
var classes = []struct {
	name   string
	share  int
	amount bool // the event is about money
}{
	{`Transaction\Events\WalletTransactionCreatedEvent`, 46, true},
	{`Transaction\Events\WalletTransactionSettledEvent`, 18, true},
	{`Account\Events\AccountCreatedEvent`, 8, false},
	{`AccountHolder\Events\AccountHolderUpdatedEvent`, 8, false},
	{`User\Events\UserUpdatedEvent`, 14, false},
	{`Subscription\Events\WalletSubscriptionFailedEvent`, 6, true},
}

// Keys of stamps, as they stand in JSON.
const (
	contextStamp   = `X-Message-Stamp-Holded\\Shared\\Infrastructure\\Messenger\\Stamp\\NewContextStamp`
	timestampStamp = `X-Message-Stamp-Holded\\Core\\Messaging\\Messenger\\Stamp\\TimestampStamp`
	messageStamp   = `X-Message-Stamp-Holded\\Core\\Messaging\\Messenger\\Stamp\\MessageIdStamp`
	amplitudeStamp = `X-Message-Stamp-Holded\\Shared\\Infrastructure\\Messenger\\Stamp\\AmplitudeTrackStamp`
)

// EventOptions say which events to make. The same options make the same events.
type EventOptions struct {
	Seed     uint64
	Start    time.Time // of the first event; each is up to two minutes after the one before
	Invalid  float64   // share of events that break a rule, from 0 to 1
	Repeated float64   // share of events that were sent before, word for word, from 0 to 1
}

// Events makes business events, in the form of packages.
type Events struct {
	random   *rand.PCG
	at       int64 // milliseconds since 1970
	options  EventOptions
	accounts [24]string
	users    [80]string
	recent   []string // what may be repeated
	made     int64
}

// NewEvents begins.
func NewEvents(o EventOptions) *Events {
	e := &Events{random: rand.NewPCG(o.Seed, 0x6576656e7473), at: o.Start.UnixMilli(), options: o}
	for i := range e.accounts {
		e.accounts[i] = e.uuid()
	}
	for i := range e.users {
		e.users[i] = e.uuid()
	}
	return e
}

// Next is one event as JSON, without a newline. Broken names what is wrong with one that breaks a rule.
func (e *Events) Next() (event, broken string) {
	a, b := e.random.Uint64(), e.random.Uint64()
	if len(e.recent) > 0 && chance(a, 0, e.options.Repeated) {
		return e.recent[below(b, 0, len(e.recent))], ""
	}
	event = e.draw()
	if chance(a, 32, e.options.Invalid) {
		kind := &brokenEvents[below(b, 16, len(brokenEvents))]
		return kind.change(event), kind.name
	}
	const most = 1000
	if e.options.Repeated > 0 {
		if len(e.recent) < most {
			e.recent = append(e.recent, event)
		} else {
			e.recent[e.made%most] = event
		}
	}
	e.made++
	return event, ""
}

// chance uses 32 bits of a random number.
func chance(random uint64, shift int, ratio float64) bool {
	return float64(random>>shift&0xffffffff) < ratio*(1<<32)
}

// draw takes the same random numbers for each event.
func (e *Events) draw() string {
	a, b := e.random.Uint64(), e.random.Uint64()
	class, rest := 0, below(a, 0, 100)
	for rest >= classes[class].share {
		rest -= classes[class].share
		class++
	}
	e.at += 1 + int64(below(a, 16, 120_000))
	id, message := e.uuid(), e.uuid()
	account := below(a, 32, len(e.accounts))
	user := (account*7 + below(a, 48, 8)) % len(e.users)
	data := `{"id":"` + id + `"`
	if classes[class].amount {
		cents := 1 + below(b, 0, 1<<16)*below(b, 16, 8)
		data += `,"amount":` + strconv.Itoa(cents/100) + "." + fmt.Sprintf("%02d", cents%100) + `,"currency":"EUR"`
	}
	name := [...]string{"headers", "attributes"}[below(b, 32, 2)]
	text := `{"data":` + data + `},"` + name + `":{"type":"Holded\\Wallet\\Domain\\` +
		strings.ReplaceAll(classes[class].name, `\`, `\\`) + `","targetSubscription":"wallet_events","` + contextStamp +
		`":{"accountId":"` +
		e.accounts[account] + `","userId":"` + e.users[user] + `"`
	if below(b, 48, 10) > 0 {
		text += `,"requestPlatform":"` + [...]string{"web", "ios", "android"}[below(b, 8, 3)] + `"`
	}
	text += `},"` + timestampStamp + `":{"dispatchedAt":` + strconv.FormatInt(e.at, 10) + `},"` + messageStamp +
		`":{"id":"` + message + `"}`
	if below(b, 40, 4) > 0 {
		text += `,"` + amplitudeStamp + `":{"id":` + strconv.Itoa(1+user) + `,"trackedDevice":"` + [...]string{"desktop",
			"mobile"}[below(b, 24, 2)] + `"}`
	}
	return text + `}}`
}

func (e *Events) uuid() string {
	a, b := e.random.Uint64(), e.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff)
}

// brokenEvents are the ways in which an event breaks a rule.
var brokenEvents = []struct {
	name   string // the code that it gets
	change func(string) string
}{
	{"missing_value", func(s string) string { return strings.Replace(s, `"accountId"`, `"accountIdent"`, 1) }},
	{"missing_value", func(s string) string { return strings.Replace(s, `"type"`, `"kind"`, 1) }},
	{"wrong_type", func(s string) string { return strings.Replace(s, `{"id":"`, `{"amount":"12,50","identifier":"`, 1) }},
	{"number_range", func(s string) string { return strings.Replace(s, `{"id":"`, `{"rate":1e999,"id":"`, 1) }},
	{"duplicate_field", func(s string) string { return strings.Replace(s, `{"id":"`, `{"id":"1","id":"`, 1) }},
	{"lone_surrogate", func(s string) string { return strings.Replace(s, `{"id":"`, `{"note":"\ud83d","id":"`, 1) }},
	{"timestamp_format", func(s string) string {
		return strings.Replace(s, `{"dispatchedAt":`, `{"dispatchedAt":"soon","was":`, 1)
	}},
	{"control_character", func(s string) string { return strings.Replace(s, `"userId":"`, `"userId":"\u0007`, 1) }},
}
