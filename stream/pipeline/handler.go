package pipeline

import "context"

// Handler decides what becomes of the messages of one pipeline. The runner does the rest: polling, dead letters,
// transactions, offsets, retries after an abort, spans and statistics.
type Handler interface {
	// Handle decides about each message of batch.Undecided by Emit, Reject or Skip. It is called for one batch after the
	// other, in the order of the log, while the transaction of the batch before is written. It may take as long as it
	// needs: the member keeps its partitions meanwhile. It waits out an outage of what it depends on, until ctx ends. An
	// error ends the member, and the messages come again; a bad message is no error but a Reject.
	//
	// After an abort or a crash the same messages come again, so that what a handler keeps must be a function of the log:
	// it must not take its own former decision about the same offset for another message.
	Handle(ctx context.Context, batch *Batch) error
}

// Settler is a Handler that has to look at its decisions again just before they are written.
type Settler interface {
	// Settle is called after Handle, and after the transaction of the batch before has ended; the next batch is handled
	// meanwhile, in another goroutine. It may decide again.
	Settle(ctx context.Context, batch *Batch) error
}

// CommitHandler is a Handler that keeps something only for messages that may come again.
type CommitHandler interface {
	// Committed is called after the transaction of these messages is committed, by another goroutine than Handle: they do
	// not come again. It is not called for each: after a crash, later messages imply that those before them are done.
	Committed(messages []Message)
}

// PartitionHandler is a Handler that keeps state for each partition.
type PartitionHandler interface {
	// Assigned is called before the first message of partitions that are new to the member. No message comes before it has
	// returned; meanwhile the member keeps its partitions.
	Assigned(ctx context.Context, partitions []Assignment) error
	// Revoked is called for partitions that other members have now: their state is to be dropped. The batch before may
	// still be in Settle; it is not written.
	Revoked(partitions []Partition)
}

// Partition is a partition of a topic.
type Partition struct {
	Topic  string
	Number int32
}

// Assignment is a partition that the member reads from now on.
type Assignment struct {
	Partition
	LogID    string // "CLUSTER_ID/TOPIC_ID"
	Next     int64  // the committed offset: the next one to read; -1 where the group has committed none yet
	Metadata string // as committed with it, "" without any: the format and the version of the message before Next
	Version  int64  // that version, in microseconds since 1970; 0 if unknown
}
