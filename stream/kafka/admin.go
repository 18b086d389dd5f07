package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/topics"
)

// Admin changes topics; it implements topics.Admin.
type Admin struct {
	cfg      Config
	client   *kafka.AdminClient
	producer *kafka.Producer // that it works through; nothing is sent with it
	report   *reporter
}

// NewAdmin makes a client; it connects later. An AdminClient of its own would write librdkafka's log lines to stderr.
func NewAdmin(cfg Config) (*Admin, error) {
	report := newReporter(&cfg)
	producer, err := kafka.NewProducer(cfg.with(report,
		kafka.ConfigMap{"go.events.channel.size": 100, "go.produce.channel.size": 0}))
	if err != nil {
		report.close()
		return nil, cfg.refused(err)
	}
	client, err := kafka.NewAdminClientFromProducer(producer)
	if err != nil {
		producer.Close()
		report.close()
		return nil, cfg.unavailable(err)
	}
	go report.errors(producer)
	return &Admin{cfg, client, producer, report}, nil
}

// Close ends the client.
func (a *Admin) Close() {
	a.client.Close()
	a.producer.Close()
	a.report.close()
}

// adminTimeout bounds one request.
const adminTimeout = 15 * time.Second

// Topics implements topics.Admin.
func (a *Admin) Topics(ctx context.Context, names []string) (map[string]topics.State, error) {
	meta, err := a.client.GetMetadata(nil, true, int(adminTimeout.Milliseconds()))
	if err != nil {
		return nil, a.cfg.unavailable(err)
	}
	have := map[string]topics.State{}
	var resources []kafka.ConfigResource
	for _, name := range names {
		if t, ok := meta.Topics[name]; ok && t.Error.Code() == kafka.ErrNoError {
			state := topics.State{Partitions: len(t.Partitions), Config: map[string]string{}}
			for i := range t.Partitions {
				if n := len(t.Partitions[i].Replicas); i == 0 || n < state.Replicas {
					state.Replicas = n
				}
			}
			have[name] = state
			resources = append(resources, kafka.ConfigResource{Type: kafka.ResourceTopic, Name: name})
		}
	}
	if len(resources) == 0 {
		return have, nil
	}
	results, err := a.client.DescribeConfigs(ctx, resources, kafka.SetAdminRequestTimeout(adminTimeout))
	if err != nil {
		return nil, a.cfg.unavailable(err)
	}
	for _, r := range results {
		if r.Error.Code() != kafka.ErrNoError {
			return nil, r.Error
		}
		for name, entry := range r.Config {
			have[r.Name].Config[name] = entry.Value
		}
	}
	return have, nil
}

// Create implements topics.Admin. A topic that another created meanwhile is fine.
func (a *Admin) Create(ctx context.Context, t topics.Topic) error {
	results, err := a.client.CreateTopics(ctx, []kafka.TopicSpecification{{Topic: t.Name, NumPartitions: t.Partitions,
		ReplicationFactor: t.Replicas, Config: t.Config}}, kafka.SetAdminOperationTimeout(adminTimeout))
	if err := a.outcome(results, err, kafka.ErrTopicAlreadyExists); err != nil {
		return err
	}
	return a.settle(ctx, t.Name, func(s topics.State) bool { return s.Partitions > 0 })
}

// settle waits until the broker reports what the controller did, which reaches it a little later.
func (a *Admin) settle(ctx context.Context, name string, done func(topics.State) bool) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	for {
		have, err := a.Topics(ctx, []string{name})
		if err != nil || done(have[name]) {
			return err
		}
		select {
		case <-ctx.Done():
			return fault.Failf(fault.ExitTryAgain, "%s is not what it should be after %s: %w", name, adminTimeout, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Grow implements topics.Admin.
func (a *Admin) Grow(ctx context.Context, name string, partitions int) error {
	results, err := a.client.CreatePartitions(ctx, []kafka.PartitionsSpecification{{Topic: name, IncreaseTo: partitions}},
		kafka.SetAdminOperationTimeout(adminTimeout))
	if err := a.outcome(results, err, kafka.ErrNoError); err != nil {
		return err
	}
	return a.settle(ctx, name, func(s topics.State) bool { return s.Partitions >= partitions })
}

func (a *Admin) outcome(results []kafka.TopicResult, err error, fine kafka.ErrorCode) error {
	if err != nil {
		return a.cfg.unavailable(err)
	}
	var errs []error
	for _, r := range results {
		if code := r.Error.Code(); code != kafka.ErrNoError && code != fine {
			errs = append(errs, r.Error)
		}
	}
	return errors.Join(errs...)
}

// Configure implements topics.Admin.
func (a *Admin) Configure(ctx context.Context, name string, config map[string]string) error {
	var entries []kafka.ConfigEntry
	for k, v := range config {
		entries = append(entries, kafka.ConfigEntry{Name: k, Value: v, IncrementalOperation: kafka.AlterConfigOpTypeSet})
	}
	results, err := a.client.IncrementalAlterConfigs(ctx,
		[]kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: name, Config: entries}},
		kafka.SetAdminRequestTimeout(adminTimeout))
	if err != nil {
		return a.cfg.unavailable(err)
	}
	for _, r := range results {
		if r.Error.Code() != kafka.ErrNoError {
			return r.Error
		}
	}
	return a.settle(ctx, name, func(s topics.State) bool {
		for k, v := range config {
			if s.Config[k] != v {
				return false
			}
		}
		return true
	})
}

// Committed is the offset that a group has committed in a partition, -1 for none. What it has committed in a
// transaction that is still open does not count.
func (a *Admin) Committed(ctx context.Context, group, topic string, partition int32) (int64, error) {
	asked := []kafka.ConsumerGroupTopicPartitions{{Group: group,
		Partitions: []kafka.TopicPartition{{Topic: &topic, Partition: partition}}}}
	answer, err := a.client.ListConsumerGroupOffsets(ctx, asked, kafka.SetAdminRequestTimeout(adminTimeout))
	if err != nil {
		return -1, a.cfg.unavailable(err)
	}
	for _, g := range answer.ConsumerGroupsTopicPartitions {
		for _, p := range g.Partitions {
			if p.Error == nil && p.Offset >= 0 {
				return int64(p.Offset), nil
			}
		}
	}
	return -1, nil
}
