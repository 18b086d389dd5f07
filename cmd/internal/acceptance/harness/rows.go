package harness

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"testing"
)

// Header is the first line of a file of transactions.
const Header = "id,description,amount,timestamp,merchant,operation_type,side\n"

// Row is a valid row.
func Row(id int) string {
	return fmt.Sprintf("%d,Groceries,-12.34,2024-01-31 10:15:00,Market,card,debit\n", id)
}

// GZ is text as a .gz file has it.
func GZ(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	Must(t, err)
	Must(t, z.Close())
	return b.String()
}
