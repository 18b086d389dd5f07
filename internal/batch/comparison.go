package batch

// Comparison is what loading a classified run would change. Its lists are the most frequent changes and a few examples.
type Comparison struct {
	Rows     int64        `json:"rows"`     // that the ML API answered
	New      int64        `json:"new"`      // not stored yet: loading adds them
	Known    int64        `json:"known"`    // stored already
	Replaced int64        `json:"replaced"` // of those: load replaces them, whatever it changes
	Newer    int64        `json:"newer"`    // of those: stored with newer contents, or classified later; load leaves them
	Contents int64        `json:"contents"` // of the replaced: with other contents
	Changed  int64        `json:"changed"`  // of the replaced: load gives another category
	Share    float64      `json:"share"`    // (new + changed) / rows; 0 without rows
	Changes  []Change     `json:"changes"`
	Models   []Change     `json:"models"` // of the known rows, changed or not
	Examples []ChangedRow `json:"examples"`
}

// Change counts rows that go from one category or model to another. From is "" for rows that are not stored yet.
type Change struct {
	From string `json:"from"`
	To   string `json:"to"`
	Rows int64  `json:"rows"`
}

// ChangedRow is an example. From is "" for one that is not stored yet.
type ChangedRow struct {
	ID       string `json:"id"`
	SourceID string `json:"source_id"`
	From     string `json:"from"`
	To       string `json:"to"`
}

// Cut returns the comparison with at most n entries a list, which stays bounded in a manifest.
func (c Comparison) Cut(n int) *Comparison {
	c.Changes, c.Models, c.Examples = c.Changes[:min(n, len(c.Changes))], c.Models[:min(n, len(c.Models))],
		c.Examples[:min(n, len(c.Examples))]
	return &c
}
