package kafka

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/twmb/franz-go/pkg/kfake"
)

// While the broker is gone a member tries to connect now and then. Without a pause, it was thousands of times a second,
// and librdkafka ended the process now and then.
func TestABrokerThatIsGoneIsNotAskedWithoutAPause(t *testing.T) {
	t.Parallel()
	duringOutage(t, func(ctx context.Context, s *Session, assigned []kafka.TopicPartition) {
		if _, err := s.restore(ctx, assigned); err == nil {
			t.Error("it restored from a broker that is gone")
		}
	})
}

// So does a member that was fenced just before, and looks who has its name now: it does not take a broker that says
// nothing for longer than a session for one that says another has the name.
func TestAGroupOfABrokerThatIsGoneIsNotAskedForWithoutAPause(t *testing.T) {
	t.Parallel()
	duringOutage(t, func(ctx context.Context, s *Session, _ []kafka.TopicPartition) {
		if err := s.fencedError(ctx, errors.New("fenced, for the test")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it knows who has the name: %v", err)
		}
	})
}

// duringOutage has a member do something while its broker is gone, and counts how often it tries to connect: librdkafka
// tells in its log, each 30 s, how many tries failed alike.
func duringOutage(t *testing.T, do func(context.Context, *Session, []kafka.TopicPartition)) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "raw", "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	said := &lines{}
	b := &broker{t: t, topic: "raw", out: "out", cfg: Config{Brokers: cluster.ListenAddrs()[0], Log: said.logger()}}
	b.send(0, 1, 0)
	s := b.open("a")
	b.poll(s, 1)
	assigned, err := s.consumer.Assignment()
	if err != nil || len(assigned) != 1 {
		t.Fatalf("%v, %v", assigned, err)
	}
	cluster.Close()
	const outage, most = 40 * time.Second, 5000
	ctx, cancel := context.WithTimeout(t.Context(), outage)
	defer cancel()
	do(ctx, s, assigned)
	alike := regexp.MustCompile(`(\d+) identical error`).FindAllStringSubmatch(said.text(), -1)
	if len(alike) == 0 {
		t.Errorf("nothing tells how often it connected:\n%s", said.text())
	}
	for _, match := range alike {
		n, err := strconv.Atoi(match[1])
		if err != nil || n > most {
			t.Errorf("it tried to connect %s times in 30 s, more than %d", match[1], most)
		}
	}
}
