package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// forgetAll takes all members out of all consumer groups. The broker's folder keeps members that a former process had;
// nobody can be one at the start, and new ones would wait for the old to time out.
func forgetAll(ctx context.Context, broker string) error {
	return withBroker(ctx, broker, func(ctx context.Context, client *kgo.Client) error {
		groups, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, client)
		if err != nil {
			return fmt.Errorf("list consumer groups: %w", err)
		}
		names := make([]string, len(groups.Groups))
		for i := range groups.Groups {
			names[i] = groups.Groups[i].Group
		}
		return forget(ctx, client, names)
	})
}

// ForgetMembers takes all members out of a consumer group. A Kafka table of ClickHouse that is detached leaves its
// consumer behind as a member that reads nothing.
func (p *Platform) ForgetMembers(ctx context.Context, group string) error {
	return withBroker(ctx, p.KafkaAddr(), func(ctx context.Context, client *kgo.Client) error {
		return forget(ctx, client,
			[]string{group})
	})
}

func withBroker(ctx context.Context, broker string, work func(context.Context, *kgo.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		return err
	}
	defer client.Close()
	return work(ctx, client)
}

func forget(ctx context.Context, client *kgo.Client, groups []string) error {
	if len(groups) == 0 {
		return nil
	}
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups = groups
	described, err := describe.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("describe consumer groups: %w", err)
	}
	for _, g := range described.Groups {
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group = g.Group
		for _, m := range g.Members {
			member := kmsg.NewLeaveGroupRequestMember()
			member.MemberID, member.InstanceID = m.MemberID, m.InstanceID
			leave.Members = append(leave.Members, member)
		}
		if len(leave.Members) == 0 {
			continue
		}
		if _, err := leave.RequestWith(ctx, client); err != nil {
			return fmt.Errorf("take old members out of group %s: %w", g.Group, err)
		}
	}
	return nil
}
