package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"
)

// TestErasure erases a user's events and nothing else: neither those of others, nor one that has the id of another's,
// nor later ones. Done again it changes nothing.
func TestErasure(t *testing.T) {
	t.Parallel()
	db := open(t)
	const before = int64(1_700_000_005_000_000)
	user := func(id string, change map[string]any) map[string]any {
		row := map[string]any{"user_id": id}
		for name, value := range change {
			row[name] = value
		}
		return row
	}
	db.sql("SYSTEM STOP MERGES events") // two rows of an id stay two
	db.refined(1, user("gone", nil))
	db.refined(1, user("gone", map[string]any{"published_us": before + 1, "position": 90})) // the same again
	db.refined(2, user("there", nil))
	db.refined(2, user("gone", map[string]any{"published_us": before - 1, "position": 91})) // another's id
	db.refined(3, user("gone", map[string]any{"published_us": before}))
	db.refined(4, user("gone", map[string]any{"account_id": "company-2"}))
	db.rawMessage(1, 1, 11)
	db.rawMessage(2, 1, 12)
	db.rawMessage(7, 1, 13) // not in gold
	db.refused(6, "collect", packageID, 2)
	person := event.Person{User: "gone", Account: "company-1"}
	if n, err := db.CountEvents(t.Context(), person, before); err != nil || n != 2 {
		t.Errorf("%d events, %v", n, err)
	}
	e := &ledger.Erasure{Hash: "00ff", Scope: "user", KeyID: "k", ID: "00000000-0000-4000-8000-0000000000ee",
		Requested: time.UnixMicro(5)}
	must(t, db.PutErasure(t.Context(), e))
	e.Before = before
	must(t, db.PutErasure(t.Context(), e))
	if got, err := db.Erasure(t.Context(), "00ff"); err != nil || got == nil || got.Before != before || got.Done ||
		!got.Requested.Equal(e.Requested) || got.ID != e.ID {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := db.Erasure(t.Context(), "00"); err != nil || got != nil {
		t.Errorf("%+v, %v", got, err)
	}
	must(t, db.MayErase(t.Context()))
	for round := range 2 {
		must(t, db.NoteEvents(t.Context(), e, person))
		var raw, outside []string
		must(t, db.ReadRawOfEvents(t.Context(), e, person, func(m *ledger.RawMessage) error {
			raw = append(raw, m.ID[len(m.ID)-1:])
			return nil
		}))
		slices.Sort(raw) // they come in no order
		looked := int64(0)
		must(t, db.ReadRawOutsideGold(t.Context(), func(m *ledger.RawMessage) error {
			outside = append(outside, m.ID[len(m.ID)-1:])
			return nil
		}, func(n int64) { looked += n }))
		slices.Sort(outside)
		if got, want := fmt.Sprint(raw, outside, looked), []string{"[1 2] [7] 3", "[2] [7] 2"}[round]; got != want {
			t.Errorf("raw messages: %s, want %s", got, want)
		}
		db.sql("SYSTEM START MERGES events")
		must(t, db.NoteMessages(t.Context(), e, []ledger.ErasedMessage{
			{Origin: ledger.Origin{Origin: "events.raw", Digest: "1700000000500", Partition: 1, Position: 11},
				From: store.TableBronze, EventID: eventID(1).String()},
			{Origin: ledger.Origin{Origin: "collect", Digest: packageID, Position: 2}, From: store.TableDeadLetters,
				EventID: eventID(6).String()}}))
		must(t, db.NoteDeadLettersOfRaw(t.Context(), e))
		must(t, db.EraseLedger(t.Context(), e))
		must(t, db.EraseRows(t.Context(), e, func(string, int64) {}))
		for query, want := range map[string]string{
			"SELECT groupArray((substring(toString(event_id), 36), new_context_user_id, position)) " +
				"FROM (SELECT * FROM events ORDER BY event_id, position)": "[('2','there',12),('3','gone',13),('4','gone',14)]",
			"SELECT groupArray(position) FROM (SELECT * FROM events_bronze ORDER BY position)": "[12,13]",
			"SELECT count() FROM dead_letters":                                                 "0",
			"SELECT groupArray((position, toString(outcome), content_hash)) " +
				"FROM (SELECT * FROM outcomes FINAL ORDER BY origin, position)": "[(2,'erased',0),(11,'erased',0)," +
				"(12,'stored',7),(13,'stored',7),(14,'stored',7),(90,'erased',0),(91,'erased',0)]",
		} {
			if got := db.sql("%s", query); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		counts, err := db.ErasedCounts(t.Context(), e)
		if err != nil || counts[store.TableEvents] != 2 || counts[store.TableBronze] != 1 ||
			counts[store.TableDeadLetters] != 1 {
			t.Errorf("%v, %v", counts, err)
		}
	}
	for n, want := range map[byte]string{1: store.EventErased, 2: store.EventGold, 6: store.EventErased} {
		if s, err := db.EventState(t.Context(), eventID(n)); err != nil || s == nil || s.State != want {
			t.Errorf("event %d: %+v, %v", n, s, err)
		}
	}
	if s, err := db.EventState(t.Context(), eventID(1)); err != nil || s == nil || s.Token != "crm" {
		t.Errorf("the sender's token: %+v, %v", s, err)
	}
	entries, err := db.EventLedger(t.Context(), ledger.StreamRange{Topic: "events.raw", Log: "c/t", Partition: 1, From: 11,
		To: 13})
	if err != nil || len(entries) != 2 || entries[0].Outcome != ledger.OutcomeErased || entries[0].Variants != 1 {
		t.Errorf("%+v, %v", entries, err)
	}
	e.Done = true
	must(t, db.PutErasure(t.Context(), e))
	if all, err := db.Erasures(t.Context()); err != nil || len(all) != 1 || !all[0].Done {
		t.Errorf("%+v, %v", all, err)
	}
}
