package events

// Refined is the value of a message in events.silver: an event as it was accepted, with what was found out about it. It
// is a row of ClickHouse's table events. Times are microseconds since 1970.
type Refined struct {
	EventID            string `json:"event_id"` // UUID
	CorrelationID      string `json:"correlation_id"`
	PackageIndex       int32  `json:"package_index"`
	Token              string `json:"token"`
	Form               string `json:"form"`
	Type               string `json:"type"`
	TargetSubscription string `json:"target_subscription"`
	AccountID          string `json:"account_id"`
	UserID             string `json:"user_id"`
	MessageID          string `json:"message_id"`
	TimestampText      string `json:"timestamp_text"`
	TimestampUS        int64  `json:"timestamp_us"`     // the sender's, never shifted; without one published_us
	TimestampSource    string `json:"timestamp_source"` // sender or broker
	Late               bool   `json:"late"`             // published long after its own time, see the rules
	Future             bool   `json:"future"`           // published before its own time, see the rules
	Platform           string `json:"platform"`
	Device             string `json:"device"`
	AmplitudeID        string `json:"amplitude_id"`
	IPAddress          string `json:"ip_address"`
	UserAgent          string `json:"user_agent"`
	SessionID          string `json:"session_id"`
	Data               string `json:"data"`       // JSON, verbatim
	Attributes         string `json:"attributes"` // JSON, verbatim
	Extra              string `json:"extra"`      // JSON, verbatim

	ReceivedUS   int64  `json:"received_us"`  // by the collector's clock
	PublishedUS  int64  `json:"published_us"` // by the broker's, of the first publication: metadata.publishTime
	ProcessedUS  int64  `json:"processed_us"`
	SchemaID     int32  `json:"schema_id"`
	Context      string `json:"context"` // like billing
	Score        string `json:"score"`   // decimal, from 0 to 1
	LostPoints   []Lost `json:"lost_points"`
	RulesVersion string `json:"rules_version"`

	Origin       string `json:"origin"`        // events.raw
	OriginDigest string `json:"origin_digest"` // "CLUSTER_ID/TOPIC_ID"
	Partition    int32  `json:"partition"`
	Position     uint64 `json:"position"` // offset
	ContentHash  uint64 `json:"content_hash"`
	TraceID      string `json:"trace_id"` // of the sender's request; "" without a trace
}

// Lost is a part of the score that an event lost.
type Lost struct {
	Rule   string `json:"rule"`
	Points string `json:"points"` // decimal
}
