package reconcile

import (
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
)

// comparison joins the rows of a file with their ledger entries.
type comparison struct {
	file    string
	next    func() (ledger.Entry, error, bool)
	entry   ledger.Entry
	has     bool // entry is set and not yet compared
	found   *ledger.Findings
	counts  *ledger.Counts
	started bool
}

// advance reads the next entry.
func (c *comparison) advance() error {
	entry, err, ok := c.next()
	if ok && err != nil {
		return err
	}
	c.entry, c.has, c.started = entry, ok, true
	return nil
}

// row compares a row of the file with the entry for its line.
func (c *comparison) row(s *sourceRow) error {
	if !c.started {
		if err := c.advance(); err != nil {
			return err
		}
	}
	for c.has && c.entry.Position < s.line {
		c.add(ledger.FindingInvented, &c.entry, "the ledger has an entry where the file has no row")
		if err := c.advance(); err != nil {
			return err
		}
	}
	if !c.has || c.entry.Position > s.line {
		c.add(ledger.FindingUnaccounted, &ledger.Entry{Position: s.line, ID: s.id}, "")
		return nil
	}
	c.outcome(s)
	return c.advance()
}

// outcome counts the entry and checks that it is for this row.
func (c *comparison) outcome(s *sourceRow) {
	e := &c.entry
	sameRow := s.valid && e.ID == s.id && e.ContentHash == s.hash
	switch e.Outcome {
	case ledger.OutcomeStored:
		c.counts.Stored++
		c.counts.Accepted++
	case ledger.OutcomeDeadLetter:
		c.counts.DeadLettered++
		c.counts.Accepted++
	case ledger.OutcomeDuplicate:
		c.counts.Duplicates++
	case ledger.OutcomeRejected:
		c.counts.Rejected++
		sameRow = sameRow || !s.valid // a row that meets the rules is rejected for a conflict only
	}
	if !sameRow {
		c.add(ledger.FindingOther, e, "the ledger's entry "+string(e.Outcome)+" is not for the row that the file has there")
	}
}

// rest reports the entries after the file's last row.
func (c *comparison) rest() error {
	if !c.started {
		if err := c.advance(); err != nil {
			return err
		}
	}
	for c.has {
		c.add(ledger.FindingInvented, &c.entry, "the ledger has an entry where the file has no row")
		if err := c.advance(); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) add(kind ledger.FindingKind, e *ledger.Entry, detail string) {
	f := ledger.Finding{Kind: kind, Origin: c.file, Position: e.Position, Detail: detail}
	if e.ID != (transaction.ID{}) {
		f.ID = e.ID.String()
	}
	c.found.Add(1, f)
}
