package source

import (
	"sync"

	"github.com/txflow/txflow/internal/csvfile"
)

// marks watches the numbers of a file whose first rows did not decide its decimal mark. An amount that can be read in
// two ways is only good if another number of the file decides, and none contradicts.
type marks struct {
	mu      sync.Mutex
	decided bool
	either  uint64 // the first line with an amount that can be read in two ways, 0 for none
}

func (m *marks) see(field []byte, line uint64, point byte) {
	r := csvfile.ReadMarks(field)
	if r.Decimal != point && r.Either != point {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.decided = m.decided || r.Decimal == point
	if r.Either == point && (m.either == 0 || line < m.either) {
		m.either = line
	}
}

// verdict is an error with exit code 65 when the whole file leaves the decimal mark open.
func (m *marks) verdict(r *Reader) error {
	if m.either == 0 || m.decided && r.Dialect.MarkBasis != csvfile.MarkDisputed {
		return nil
	}
	return dataError(r.URL, &csvfile.AmbiguousError{Line: m.either, Mark: r.Dialect.DecimalPoint})
}
