package kafka

import (
	"errors"
	"fmt"
	"testing"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// TestTransient says which errors are worth another try of the same step.
func TestTransient(t *testing.T) {
	fail := func(code kafka.ErrorCode, fatal bool) error {
		return fmt.Errorf("a step: %w", kafka.NewError(code, "said so", fatal))
	}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{fail(kafka.ErrTimedOut, false), true},
		{fail(kafka.ErrNotCoordinator, false), true},
		{fail(kafka.ErrUnstableOffsetCommit, false), true},
		{fail(kafka.ErrTimedOut, true), false},
		{fail(kafka.ErrIllegalGeneration, false), false},
		{fail(kafka.ErrState, false), false},
		{errors.New("no error of Kafka"), false},
	} {
		if got := transient(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// TestFailedPartition finds the error that librdkafka notes at a partition, with none for the whole call: a member that
// misses it goes on after messages that nobody has done.
func TestFailedPartition(t *testing.T) {
	at := func(code kafka.ErrorCode) kafka.TopicPartition {
		return kafka.TopicPartition{Partition: 3, Error: kafka.NewError(code, "said so", false)}
	}
	if err := failed([]kafka.TopicPartition{{Partition: 1}, at(kafka.ErrTimedOut)}); code(err) != kafka.ErrTimedOut ||
		!transient(err) {
		t.Errorf("%v", err)
	}
	if err := failed([]kafka.TopicPartition{{Partition: 1}, at(kafka.ErrState)}); err != nil {
		t.Errorf("a partition that is not read yet: %v", err)
	}
}
