package server

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/transaction"
)

func TestRuleGolden(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/golden.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 201 {
		t.Fatalf("%d golden vectors", len(rows)-1)
	}
	for _, row := range rows[1:] {
		id, ok := transaction.ParseUUID([]byte(row[0]))
		if !ok {
			t.Fatalf("not a UUID: %q", row[0])
		}
		if got := strconv.FormatUint(pythonHash(&id), 10); got != row[1] {
			t.Errorf("hash(%s) = %s, CPython says %s", row[0], got, row[1])
		}
		if got := transaction.DefaultCategories.At(categoryIndex(&id, transaction.CategoryCount)).String(); got != row[2] {
			t.Errorf("category of %s = %s, CPython says %s", row[0], got, row[2])
		}
	}
}

// asPython is the rule as the original service has it.
const asPython = `
import sys
from uuid import UUID
for line in sys.stdin:
    print(hash(UUID(line.strip())))
`

func TestRuleAgreesWithCPython(t *testing.T) {
	t.Parallel()
	python := needTool(t, "python3")
	const n = 100_000
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	ids := make([]transaction.ID, n)
	var in bytes.Buffer
	for i := range ids {
		for b := range ids[i] {
			ids[i][b] = byte(r.Uint32())
		}
		_, _ = fmt.Fprintln(&in, ids[i])
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", asPython)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	hashes := strings.Fields(string(out))
	if len(hashes) != n {
		t.Fatalf("CPython answered %d of %d", len(hashes), n)
	}
	for i := range ids {
		if got := strconv.FormatUint(pythonHash(&ids[i]), 10); got != hashes[i] {
			t.Fatalf("hash(%s) = %s, CPython says %s", ids[i], got, hashes[i])
		}
	}
}

func FuzzRuleIsModulo(f *testing.F) {
	f.Add(uint64(0), uint64(0))
	f.Add(^uint64(0), ^uint64(0))
	f.Add(uint64(pythonModulus), uint64(pythonModulus))
	modulus := new(big.Int).SetUint64(pythonModulus)
	f.Fuzz(func(t *testing.T, high, low uint64) {
		v := new(big.Int).SetUint64(high)
		v.Lsh(v, 64).Add(v, new(big.Int).SetUint64(low))
		var id transaction.ID
		v.FillBytes(id[:])
		if want := new(big.Int).Mod(v, modulus).Uint64(); pythonHash(&id) != want {
			t.Fatalf("hash(%s) = %d, want %d", id, pythonHash(&id), want)
		}
	})
}
