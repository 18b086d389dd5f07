package classify

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// Message is a message as it was consumed, or a gap: offsets that retention deleted before they were read.
type Message struct {
	Poll        int64  // which call of Log.Poll it came by, from 1
	Log         string // what the offset counts in, "CLUSTER_ID/TOPIC_ID": a topic that is made again is another one
	Partition   int32
	Offset      int64
	Gap         int64 // that many offsets from Offset on are deleted; 0 for a message
	Value       []byte
	Traceparent string    // W3C, "" without one
	Replays     int       // how often it was replayed from the dead letters
	Time        time.Time // when it was produced, by the clock of its producer; zero when nobody says so
	Version     int64     // microseconds since 1970: how new the contents are
	Place       int64     // the version by its place in the log: it grows with the offset, whatever clocks do; Version is lower for a replay
}

// Next is the offset that follows.
func (m *Message) Next() int64 { return m.Offset + max(m.Gap, 1) }

// Record is a message to be written.
type Record struct {
	Topic      string
	Key, Value []byte
	Headers    map[string]string
}

// ErrRedelivered says that a transaction was given up, because partitions were taken away or the broker refused: nothing
// of it was written, and its messages come again, here or elsewhere.
var ErrRedelivered = errors.New("the messages are delivered again")

// Log is the source topic and the transactions on it. One goroutine polls and keeps it alive; another may commit
// meanwhile, one transaction after the other in the order of the polls.
type Log interface {
	// Poll waits for messages: until there are as many as limit, or wait has passed since the first. None and no error
	// means that there are none yet.
	Poll(ctx context.Context, limit int, wait time.Duration) ([]Message, error)
	// KeepAlive is called while messages are worked on, so that the broker does not take the partitions away.
	KeepAlive(ctx context.Context) error
	// Commit writes the records and marks the messages as done, all or nothing. A nil error means that both survive
	// anything; ErrRedelivered that neither happened, nor can it for what was polled since then and before the next poll
	// goes back: Commit says ErrRedelivered of that, too. After any other error the log is of no more use. The records are
	// no longer used behind it.
	Commit(ctx context.Context, records []Record, done []Message) error
}

// Predictor asks for categories; it waits out an outage.
type Predictor interface {
	Predict(ctx context.Context, rows []transaction.Transaction) (prediction.Result, error)
}

// MessageLimit is the most that MaxMessage may be: a dead letter holds the message in Base64, and Kafka's own limit is a
// megabyte unless it is raised.
const MessageLimit = 700 << 10

// DefaultTransactionRows is TransactionRows where nobody says otherwise: 5,000 were slower on a backlog, and more take memory.
const DefaultTransactionRows = 10_000

// Config says how to work. All fields are needed.
type Config struct {
	Group           string           // the consumer group, which is the run in every table
	Source          string           // of messages that name none
	Now             func() time.Time // the clock; a member may live for months
	Tracer          trace.Tracer
	TransactionRows int                  // messages a transaction at most
	MaxMessage      int                  // bytes; a larger message is a dead letter that says where it stands, up to MessageLimit
	BatchRows       int                  // rows an ML call
	Concurrency     int                  // ML calls at once
	MaxWait         time.Duration        // a message waits at most so long for others
	DrainLimit      time.Duration        // what is under way gets so long at the end
	Refusals        *prediction.Refusals // what the predictor counts refusals by; nil: each refusal is the message's own fault
}

// Transaction is what became of one: written, or given up.
type Transaction struct {
	Messages    int
	Deleted     int64                    // offsets that retention deleted before they were read
	DeadLetters map[transaction.Code]int // dead letters by reason
	Asked       time.Duration            // until the ML API had answered for all
	Took        time.Duration            // from the poll to the end
	Delays      []time.Duration          // of each message that has a time, from when it was produced to the end
	GivenUp     bool                     // its messages come again
}

// Observer is told of every transaction, from several goroutines. Two may be under way, of which the first one mostly ends
// first.
type Observer interface {
	Begin(messages int)
	End(Transaction)
}
