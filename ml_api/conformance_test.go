package mlapi_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/ml_api/server"
)

// TestClientAndServerAgree has the client ask the server for the two golden ids of the rule.
func TestClientAndServerAgree(t *testing.T) {
	t.Parallel()
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	defer h.Close()
	c, err := client.New(client.Config{URL: secret.NewURL(h.URL)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	row := transaction.Transaction{Description: "x\u2028\"", Amount: -12345, Timestamp: time.Now(), OperationType: "card", Side: transaction.Debit}
	rows := []transaction.Transaction{row, row}
	rows[0].ID, _ = transaction.ParseUUID([]byte("b9fa6684-502b-4695-8f92-247432ba610d"))
	rows[1].ID, _ = transaction.ParseUUID([]byte("ffffffff-ffff-ffff-ffff-ffffffffffff"))
	r, err := c.Predict(t.Context(), rows)
	if err != nil || r.Items[0].Category.String() != "Transportation" || r.Items[1].Category.String() != "Restaurant" || r.Calls[0].Model != server.DefaultModelVersion {
		t.Errorf("%+v %v", r, err)
	}
	if model, err := c.Model(t.Context()); err != nil || model != server.DefaultModelVersion {
		t.Errorf("%q %v", model, err)
	}
}
