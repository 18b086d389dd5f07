package kafka

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/txflow/txflow/internal/kafkaserver/kafkatest"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// TestThrownOut has the broker take a member out of its group between poll and commit, as after a time without a sign
// of life. The member knows, but has not learned of any partition that it lost; another has its messages.
func TestThrownOut(t *testing.T) {
	t.Parallel()
	b := &broker{t: t, topic: "in", out: "out", cfg: Config{Brokers: kafkatest.Start(t, nil).Addr(),
		Log: slog.New(slog.DiscardHandler)}}
	b.apply(topics.Topic{Name: b.topic, Partitions: 2, Replicas: 1}, topics.Topic{Name: b.out, Partitions: 2, Replicas: 1})
	b.send(0, 10, 0)
	old := b.open("a")
	held := b.poll(old, 10)
	b.throwOut("g-"+b.topic, "a")
	for deadline := time.Now().Add(time.Minute); !old.consumer.AssignmentLost(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("after a minute the member does not know")
		}
	}
	young := b.open("b")
	b.must(b.commit(young, b.poll(young, 10)))
	if err := b.commit(old, held); !errors.Is(err, pipeline.ErrAborted) {
		t.Errorf("the commit of a member that was thrown out says %v", err)
	}
	b.wrote(numbered(0, 10))
}

// throwOut takes a member out of a group.
func (b *broker) throwOut(group, instance string) {
	b.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.cfg.Brokers))
	b.must(err)
	defer client.Close()
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group = group
	member := kmsg.NewLeaveGroupRequestMember()
	member.InstanceID = &instance
	leave.Members = append(leave.Members, member)
	left, err := leave.RequestWith(b.t.Context(), client)
	b.must(err)
	if len(left.Members) != 1 || left.ErrorCode != 0 || left.Members[0].ErrorCode != 0 {
		b.t.Errorf("%+v", left)
	}
}
