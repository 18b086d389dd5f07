package events

import (
	"strconv"

	"github.com/txflow/txflow/internal/jsontext"
)

// AppendRefined appends the message of events.silver. It is written by hand: this is the path of every event,
// and takes 2.7 µs where encoding/json takes 5.0 (BenchmarkRefined).
func AppendRefined(b []byte, r *Refined) []byte {
	b = append(b, `{"event_id":"`...)
	b = append(b, r.EventID...)
	b = append(b, `","correlation_id":"`...)
	b = append(b, r.CorrelationID...)
	b = append(b, `","package_index":`...)
	b = strconv.AppendInt(b, int64(r.PackageIndex), 10)
	for _, t := range [...]struct{ name, text string }{
		{`,"token":"`, r.Token}, {`","form":"`, r.Form}, {`","type":"`, r.Type},
		{`","target_subscription":"`, r.TargetSubscription}, {`","account_id":"`, r.AccountID}, {`","user_id":"`, r.UserID},
		{`","message_id":"`, r.MessageID}, {`","timestamp_text":"`, r.TimestampText}} {
		b = append(b, t.name...)
		b = jsontext.Append(b, t.text)
	}
	b = append(b, `","timestamp_us":`...)
	b = strconv.AppendInt(b, r.TimestampUS, 10)
	b = append(b, `,"timestamp_source":"`...)
	b = append(b, r.TimestampSource...)
	b = append(b, `","late":`...)
	b = strconv.AppendBool(b, r.Late)
	b = append(b, `,"future":`...)
	b = strconv.AppendBool(b, r.Future)
	for _, t := range [...]struct{ name, text string }{
		{`,"platform":"`, r.Platform}, {`","device":"`, r.Device}, {`","amplitude_id":"`, r.AmplitudeID},
		{`","ip_address":"`, r.IPAddress}, {`","user_agent":"`, r.UserAgent}, {`","session_id":"`, r.SessionID},
		{`","data":"`, r.Data}, {`","attributes":"`, r.Attributes}, {`","extra":"`, r.Extra}} {
		b = append(b, t.name...)
		b = jsontext.Append(b, t.text)
	}
	b = append(b, `","received_us":`...)
	b = strconv.AppendInt(b, r.ReceivedUS, 10)
	b = append(b, `,"published_us":`...)
	b = strconv.AppendInt(b, r.PublishedUS, 10)
	b = append(b, `,"processed_us":`...)
	b = strconv.AppendInt(b, r.ProcessedUS, 10)
	b = append(b, `,"schema_id":`...)
	b = strconv.AppendInt(b, int64(r.SchemaID), 10)
	b = append(b, `,"context":"`...)
	b = jsontext.Append(b, r.Context)
	b = append(b, `","score":"`...)
	b = append(b, r.Score...)
	b = append(b, `","lost_points":[`...)
	for i, lost := range r.LostPoints {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"rule":"`...)
		b = jsontext.Append(b, lost.Rule)
		b = append(b, `","points":"`...)
		b = append(append(b, lost.Points...), `"}`...)
	}
	b = append(b, `],"rules_version":"`...)
	b = jsontext.Append(b, r.RulesVersion)
	b = append(b, `","origin":"`...)
	b = append(b, r.Origin...)
	b = append(b, `","origin_digest":"`...)
	b = jsontext.Append(b, r.OriginDigest)
	b = append(b, `","partition":`...)
	b = strconv.AppendInt(b, int64(r.Partition), 10)
	b = append(b, `,"position":`...)
	b = strconv.AppendUint(b, r.Position, 10)
	b = append(b, `,"content_hash":`...)
	b = strconv.AppendUint(b, r.ContentHash, 10)
	b = append(b, `,"trace_id":"`...)
	b = append(b, r.TraceID...)
	return append(b, `"}`...)
}
