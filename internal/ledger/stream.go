package ledger

import "github.com/txflow/txflow/internal/transaction"

// StreamRange is a part of the ledger of a stream: the offsets From up to To, without that one, of a partition.
type StreamRange struct {
	Group     string
	Topic     string
	Log       string // CLUSTER_ID/TOPIC_ID; entries of older releases have none
	Partition int32
	From, To  int64
}

// StreamEntry is what the ledger says of a message.
type StreamEntry struct {
	Offset      int64
	ID          transaction.ID // the zero ID when the message had none
	ContentHash uint64
	Outcome     Outcome
	Code        transaction.Code
	Source      string
	Variants    uint64 // entries that differ; 1 when all is well
}
