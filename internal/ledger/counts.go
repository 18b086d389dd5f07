package ledger

// Counts says what became of the rows, as far as the task knows. In = accepted + rejected + duplicates for validate;
// in = predicted + dead_lettered for classify.
type Counts struct {
	In           int64 `json:"in"`
	Accepted     int64 `json:"accepted,omitempty"`
	Rejected     int64 `json:"rejected,omitempty"`
	Duplicates   int64 `json:"duplicates,omitempty"`
	Predicted    int64 `json:"predicted,omitempty"`
	DeadLettered int64 `json:"dead_lettered,omitempty"`
	Stored       int64 `json:"stored,omitempty"`
	// Superseded counts those of Stored that newer contents have replaced, or had before they came.
	Superseded int64 `json:"superseded,omitempty"`
	// OtherSources counts ids of the run that rows of other sources have, too: of two such rows one replaces the other.
	OtherSources int64 `json:"other_sources,omitempty"`
	// Erased counts events whose person is forgotten.
	Erased int64 `json:"erased,omitempty"`
}

// Add adds o to c.
func (c *Counts) Add(o Counts) {
	c.In += o.In
	c.Accepted += o.Accepted
	c.Rejected += o.Rejected
	c.Duplicates += o.Duplicates
	c.Predicted += o.Predicted
	c.DeadLettered += o.DeadLettered
	c.Stored += o.Stored
	c.Superseded += o.Superseded
	c.OtherSources += o.OtherSources
	c.Erased += o.Erased
}
