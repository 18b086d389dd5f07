package embedded

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func newKafka(port int, dir string) (*kfake.Cluster, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		return nil, err
	}
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's order
		appendTimes(cluster, r.(*kmsg.ProduceRequest))
		return nil, nil, false // goes on to the broker
	})
	return cluster, nil
}

// appendTimes has batches for topics with LogAppendTime say so: kfake then stamps them with its own time, as a broker does. By
// itself it goes by what the producer says, whatever the topic's setting is.
func appendTimes(cluster *kfake.Cluster, r *kmsg.ProduceRequest) {
	for _, t := range r.Topics {
		info := cluster.TopicInfo(t.Topic)
		if t.Topic == "" { // a newer client names topics by their ids
			info = cluster.TopicIDInfo(t.TopicID)
		}
		if info == nil || info.Configs["message.timestamp.type"] == nil || *info.Configs["message.timestamp.type"] != "LogAppendTime" {
			continue
		}
		for _, p := range t.Partitions {
			stampBatch(p.Records)
		}
	}
}

// Where a record batch (format 2) has its checksum, of all that follows, and its attributes.
const (
	crcAt           = 17
	attributesAt    = 21
	batchHeader     = 61
	attrLogAppended = 0x08
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// stampBatch sets a batch's attribute; what is damaged is left for the broker to refuse.
func stampBatch(b []byte) {
	if len(b) < batchHeader || b[attributesAt+1]&attrLogAppended != 0 ||
		binary.BigEndian.Uint32(b[crcAt:]) != crc32.Checksum(b[attributesAt:], castagnoli) {
		return
	}
	b[attributesAt+1] |= attrLogAppended
	binary.BigEndian.PutUint32(b[crcAt:], crc32.Checksum(b[attributesAt:], castagnoli))
}
