package client

import (
	"slices"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

const (
	idA = "b9fa6684-502b-4695-8f92-247432ba610d"
	idB = "81fe8d20-b855-5e84-9566-f6693045d336"
)

func item(id, category, model string) string {
	s := `{"transaction_id":"` + id + `","category":"` + category + `"`
	if model != "" {
		s += `,"model_version":"` + model + `"`
	}
	return s + "}"
}

func array(items ...string) string { return "[" + strings.Join(items, ",") + "]" }

// answers to the batch [A, B], with what is wrong ("" for nothing).
var answerCases = []struct{ name, body, wrong string }{
	{"usual", array(item(idA, "Rent", "v1"), item(idB, "Food", "v1")), ""},
	{"no model", array(item(idA, "Rent", ""), item(idB, "Food", "")), ""},
	{"other order", array(item(idB, "Food", "v1"), item(idA, "Rent", "v1")), ""},
	{"spaces, other keys", `[ {"category" : "Rent", "x": [1], "model_version": null, "transaction_id": "` + idA + `"} , ` +
		item(idB, "Food", "") + ` ]`, ""},
	{"escapes", array(item(idA, `Ren\u0074`, "v\\n"), item(idB, "Food", "v\\n")), ""},
	{"upper case id", array(item(strings.ToUpper(idA), "Rent", "v1"), item(idB, "Food", "v1")), ""},
	{"short", array(item(idA, "Rent", "v1")), "1 item for 2"},
	{"empty", "[]", "0 items for 2"},
	{"long", array(item(idA, "Rent", "v1"), item(idB, "Food", "v1"), item(idB, "Food", "v1")), "3 items for 2"},
	{"double", array(item(idA, "Rent", "v1"), item(idA, "Rent", "v1")), "no item for the transaction at 1"},
	{"contradiction", array(item(idB, "Rent", "v1"), item(idB, "Food", "v1")), "contradicts"},
	{"stranger", array(item(idA, "Rent", "v1"), item("00000000-0000-0000-0000-000000000000", "Food", "v1")),
		"no item for the transaction at 1"},
	{"unknown category", array(item(idA, "Rent", "v1"), item(idB, "Groceries", "v1")),
		`category "Groceries" of its item 1 is not among the 15 configured`},
	{"no category", array(item(idA, "Rent", "v1"), `{"transaction_id":"`+idB+`"}`), "item 1 has no"},
	{"null category", array(item(idA, "Rent", "v1"), `{"transaction_id":"`+idB+`","category":null}`), "item 1 has no"},
	{"id is no UUID", array(item("1", "Rent", "v1"), item(idB, "Food", "v1")), "item 0 is not a UUID"},
	{"null item", array("null", item(idB, "Food", "v1")), "item 0 has no"},
	{"two models", array(item(idA, "Rent", "v1"), item(idB, "Food", "v2")), "different models"},
	{"model once", array(item(idA, "Rent", "v1"), item(idB, "Food", "")), "different models"},
	{"cut off", array(item(idA, "Rent", "v1"), item(idB, "Food", "v1"))[:150], "cut off"},
	{"something after", array(item(idA, "Rent", "v1"), item(idB, "Food", "v1")) + "x", "cut off or not valid"},
	{"wrong types", `[1, 2]`, "shape"},
	{"HTML", " <html></html>", "HTML"},
	{"object", `{"detail":"fine"}`, "not a JSON array"},
	{"nothing", "", "not a JSON array"},
}

func batchAB() []transaction.Transaction {
	a, _ := transaction.ParseUUID([]byte(idA))
	b, _ := transaction.ParseUUID([]byte(idB))
	return []transaction.Transaction{{ID: a, Side: transaction.Debit}, {ID: b, Side: transaction.Debit}}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	rent, _ := transaction.ParseCategory("Rent")
	food, _ := transaction.ParseCategory("Food")
	for _, c := range answerCases {
		rows := batchAB()
		items := make([]prediction.Item, len(rows))
		got, _, err := parseAnswers(nil, []byte(c.body), transaction.DefaultCategories)
		if err == nil {
			err = match(rows, items, got)
		}
		switch {
		case c.wrong == "" && (err != nil || items[0].Category != rent || items[1].Category != food):
			t.Errorf("%s: %v %v", c.name, items, err)
		case c.wrong != "" && (!isBadAnswer(err) && !isUnknownCategory(err) || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%s: %v, want %q", c.name, err, c.wrong)
		}
	}
}

func TestMatchWithAnIDTwice(t *testing.T) {
	t.Parallel()
	rows := batchAB()
	rows = append(rows, rows[0])
	answers := []answer{{rows[1].ID, "Food"}, {rows[0].ID, "Rent"}, {rows[0].ID, "Rent"}}
	items := make([]prediction.Item, 3)
	if err := match(rows, items, answers); err != nil || items[0].Category != "Rent" || items[1].Category != "Food" ||
		items[2].Category != "Rent" {
		t.Errorf("%v %v", items, err)
	}
	answers[2].id = rows[1].ID
	answers[2].category = "Food"
	if err := match(rows, items, answers); !isBadAnswer(err) {
		t.Errorf("one answer for an id that stands twice: %v", err)
	}
}

func FuzzAnswers(f *testing.F) {
	for _, c := range answerCases {
		f.Add([]byte(c.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fast, fastModel, err := scanAnswers(nil, body, transaction.DefaultCategories)
		if err != nil {
			return
		}
		slow, slowModel, err := decodeAnswers(nil, body, transaction.DefaultCategories)
		if err != nil || fastModel != slowModel || !slices.Equal(fast, slow) {
			t.Fatalf("fast %v %q, slow %v %q %v", fast, fastModel, slow, slowModel, err)
		}
	})
}
