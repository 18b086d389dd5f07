package mlapi_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/ml_api/server"
)

func TestQuick(t *testing.T) {
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	defer h.Close()
	c, err := client.New(client.Config{URL: h.URL})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := transaction.ParseUUID([]byte("b9fa6684-502b-4695-8f92-247432ba610d"))
	r, err := c.Predict(t.Context(), []transaction.Transaction{{ID: id, Description: "x\u2028\"", Amount: -12345, Timestamp: time.Now(), OperationType: "card", Side: transaction.Debit},
		{ID: transaction.ID{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, Description: "x\u2028\"", Amount: -12345, Timestamp: time.Now(), OperationType: "card", Side: transaction.Debit}})
	t.Log(r, err, c.Stats())
	m, err := c.Model(t.Context())
	t.Log(m, err)
	t.Log(r.Items[0].Category, r.Items[1].Category)
}
