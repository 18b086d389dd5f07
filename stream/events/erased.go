package events

import "encoding/json"

// Forms of what remains in events.silver of an event whose person is forgotten.
const (
	FormErased         = "erased"          // it was accepted: its id stays taken
	FormErasedRejected = "erased_rejected" // it would have been a dead letter
)

// Erase takes all that an event said out of its message, and when it happened. Ids, places and the broker's times stay.
func (r *Refined) Erase(form string) {
	*r = Refined{EventID: r.EventID, CorrelationID: r.CorrelationID, PackageIndex: r.PackageIndex, Token: r.Token,
		Form: form, TimestampUS: r.PublishedUS, TimestampSource: "broker", ReceivedUS: r.ReceivedUS,
		PublishedUS: r.PublishedUS, ProcessedUS: r.ProcessedUS, SchemaID: r.SchemaID, Score: "0",
		LostPoints: r.LostPoints[:0], RulesVersion: r.RulesVersion, Origin: r.Origin, OriginDigest: r.OriginDigest,
		Partition: r.Partition, Position: r.Position}
}

// Erased reports whether it is what remains of an event.
func (r *Refined) Erased() bool { return r.Form == FormErased || r.Form == FormErasedRejected }

// EraseMessage returns the value of a message of events.silver as it is, or erased if the event is one to be erased.
// What can not be read is left as it is.
func EraseMessage(value []byte, erases func(*Refined) bool) (out []byte, erased bool) {
	var r Refined
	if json.Unmarshal(value, &r) != nil || r.Erased() || !erases(&r) {
		return value, false
	}
	r.Erase(FormErased)
	return AppendRefined(nil, &r), true
}
