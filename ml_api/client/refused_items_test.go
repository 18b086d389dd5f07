package client

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/transaction"
)

// TestRefusedItemsAreFound hides bad items in a batch, from one to all, with and without pointers to them.
func TestRefusedItemsAreFound(t *testing.T) {
	t.Parallel()
	const n = 100
	for _, pointers := range []bool{false, true} {
		for _, status := range []int{413, 422} {
			for _, bad := range [][]int{{0}, {n - 1}, {41}, {3, 4, 77}, {0, 50, 99}} {
				t.Run(fmt.Sprint(pointers, status, bad), func(t *testing.T) {
					t.Parallel()
					c := newClient(t, quick(serve(t, refuse(status, pointers))))
					rows := sample(n)
					for _, i := range bad {
						rows[i].Description = "bad"
					}
					r, err := c.Predict(t.Context(), rows)
					if err != nil {
						t.Fatal(err)
					}
					refused := 0
					for i, got := range r.Items {
						if wantBad := rows[i].Description == "bad"; wantBad != (got.Refusal != nil) || wantBad == (got.Category != "") ||
							got.Call >= len(r.Calls) {
							t.Fatalf("item %d: %+v", i, got)
						}
						if got.Refusal != nil {
							refused++
							if got.Refusal.Status != status || !strings.Contains(got.Refusal.Message, "no good") {
								t.Errorf("%+v", got.Refusal)
							}
						}
					}
					s := c.Stats()
					if refused != len(bad) || s.DeadRows != int64(refused) || s.Rows != int64(n-refused) {
						t.Errorf("%+v", s)
					}
					if most := int64(2*len(bad) + 2); pointers && s.Attempts > most {
						t.Errorf("%d calls with pointers, %d would do", s.Attempts, most)
					}
				})
			}
		}
	}
}

// refuse refuses whole any batch that holds a bad item.
func refuse(status int, pointers bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rows := read(r)
		var complaints []string
		for i, row := range rows {
			if row.Description == "bad" {
				complaints = append(complaints, fmt.Sprintf(`{"loc":["body",%d,"description"],"msg":"no good"}`, i))
			}
		}
		if len(complaints) == 0 {
			answerAll(w, rows)
			return
		}
		w.WriteHeader(status)
		if pointers {
			_, _ = fmt.Fprintf(w, `{"detail":%s}`, array(complaints...))
		} else {
			_, _ = io.WriteString(w, `{"detail":"no good"}`)
		}
	}
}

// TestLyingPointersBlameNobody points at the wrong item: each is asked alone, so the right one is found.
func TestLyingPointersBlameNobody(t *testing.T) {
	t.Parallel()
	c := newClient(t, quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		rows := read(r)
		for i, row := range rows {
			if row.Description == "bad" {
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = fmt.Fprintf(w, `{"detail":[{"loc":["body",%d,"id"]}]}`, (i+1)%len(rows))
				return
			}
		}
		answerAll(w, rows)
	})))
	rows := sample(20)
	rows[7].Description = "bad"
	r, err := c.Predict(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range r.Items {
		if (i == 7) != (got.Refusal != nil) {
			t.Errorf("item %d: %+v", i, got)
		}
	}
}

func TestLoneIDTwice(t *testing.T) {
	t.Parallel()
	c := newClient(t, quick(serve(t, func(w http.ResponseWriter, r *http.Request) { answerAll(w, read(r)) })))
	row := sample(1)[0]
	if r, err := c.Predict(t.Context(), []transaction.Transaction{row, row}); err != nil || r.Items[1].Category != "Rent" {
		t.Errorf("%v %v", r, err)
	}
}
