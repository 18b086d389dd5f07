package kafka

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// DefaultSessionTimeout is the default of SessionConfig.Timeout.
const DefaultSessionTimeout = 10 * time.Second

// instanceName is what Kafka takes for group.instance.id.
var instanceName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)

// ValidateInstance checks the name of a member.
func ValidateInstance(name string) error {
	if !instanceName.MatchString(name) || name == "." || name == ".." {
		return fmt.Errorf("%q must have 1 to 200 letters, digits, '.', '_' or '-', as Kafka wants it", name)
	}
	return nil
}

// clientID names this process: it shows, in the group, and in the broker's log, where the member runs.
func clientID(instance string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	var mark [3]byte
	_, _ = rand.Read(mark[:]) // it never fails
	return fmt.Sprintf("txflow-%s@%s-%s", instance, host, hex.EncodeToString(mark[:]))
}

// successor is another process that has this member's name in the group now; nil when there is none, or when that is
// not certain: while this process joins, after a restart of the broker for example, the group shows a member of its
// name whose id this process does not know yet. A member that is fenced learns it at its next heartbeat. Kafka gives
// each process that joins by a name a member id of its own, but goes on to show the client id and host of the first.
func (s *Session) successor(ctx context.Context) (*kafka.MemberDescription, error) {
	before, err := s.memberID()
	if err != nil {
		return nil, err
	}
	named, _, err := s.named(ctx)
	if err != nil || named == nil {
		return nil, err
	}
	after, err := s.memberID()
	if err != nil || !another(before, after, s.cfg.Group, named.ConsumerID) {
		return nil, err
	}
	return named, nil
}

// another reports whether a member id of the group is for sure none of this process, from what memberID gave before and
// after it was seen there.
func another(before, after []byte, group, id string) bool {
	joining := []byte(group + "\x00\x00") // the member id that follows the group is empty
	return bytes.Equal(before, after) && !bytes.Contains(after, joining) && !bytes.Contains(after, []byte(id))
}

// memberID holds the member id that the broker gave this process, somewhere in it. The client reports it only in what
// it sends to the broker with a transaction's offsets.
func (s *Session) memberID() ([]byte, error) {
	metadata, err := s.consumer.GetConsumerGroupMetadata()
	if err != nil {
		return nil, err
	}
	return reflect.ValueOf(metadata).Elem().FieldByName("serialized").Bytes(), nil
}

// named is the member of the group that has this member's name, nil when there is none, and the group's state.
func (s *Session) named(ctx context.Context) (*kafka.MemberDescription, kafka.ConsumerGroupState, error) {
	state := kafka.ConsumerGroupStateUnknown
	groups, err := describeGroup(ctx, s.admin, s.cfg.Group)
	if err != nil {
		return nil, state, err
	}
	for _, g := range groups {
		state = g.State
		for i := range g.Members {
			if m := &g.Members[i]; m.GroupInstanceID == s.cfg.Instance {
				return m, state, nil
			}
		}
	}
	return nil, state, nil
}

// describeGroup describes a group; none when it does not exist.
func describeGroup(ctx context.Context, admin *kafka.AdminClient, name string) ([]kafka.ConsumerGroupDescription,
	error) {
	var result kafka.DescribeConsumerGroupsResult
	err := coordinated(ctx, func() (err error) {
		result, err = admin.DescribeConsumerGroups(ctx, []string{name}, kafka.SetAdminRequestTimeout(adminTimeout))
		if err == nil && len(result.ConsumerGroupDescriptions) > 0 {
			if e := result.ConsumerGroupDescriptions[0].Error; e.Code() != kafka.ErrNoError {
				err = e
			}
		}
		return err
	})
	if code(err) == kafka.ErrGroupIDNotFound {
		return nil, nil
	}
	return result.ConsumerGroupDescriptions, err
}

// tookOver logs whose place this process has taken, where Kafka reports it: a former process of the member, or one that
// still runs and ends now. It is only for people.
func (s *Session) tookOver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	if m, _, err := s.named(ctx); err == nil && m != nil && m.ClientID != s.client {
		s.cfg.Log.InfoContext(ctx, "took over the place of a former process of this name", "group", s.cfg.Group, "instance",
			s.cfg.Instance, "from", m.ClientID, "host", host(m.Host))
	}
}
