package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// forgetMembers takes all members out of their consumer groups. The broker's folder keeps members that a former process
// had; nobody can be one at the start, and new ones would wait for the old to time out.
func forgetMembers(ctx context.Context, broker string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		return err
	}
	defer client.Close()
	groups, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("list consumer groups: %w", err)
	}
	describe := kmsg.NewPtrDescribeGroupsRequest()
	for _, g := range groups.Groups {
		describe.Groups = append(describe.Groups, g.Group)
	}
	if len(describe.Groups) == 0 {
		return nil
	}
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
