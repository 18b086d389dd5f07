package store

// NewerThanRun is what Superseded reads of transactions.
const NewerThanRun = newerThanRun

// TransactionsOf is what Problems reads of transactions: of the parts of a run alone, or all.
func TransactionsOf(recent bool) string {
	if recent {
		return recentParts
	}
	return allParts
}

// Sampled and OtherSourcesQuery are what OtherSources asks.
const (
	Sampled           = sampled
	OtherSourcesQuery = otherSources
)
