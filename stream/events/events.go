// Package events describes the pipeline of business events: its names, topics and messages. The collector writes
// accepted events to events.raw; the handler in refine validates, removes duplicates, enriches and scores them, and
// writes them to events.silver, or to events.dead.letter with the reason. ClickHouse reads both, and makes the gold
// tables.
package events

// Names of the pipeline.
const (
	Name   = "events"
	Ledger = "events" // in the column pipeline of every table
)

// Names of the topics. Raw and silver are keyed by event id, analytics by the key of its table, tombstones by the hash
// of the person.
const (
	Raw         = "events.raw"         // Avro in Confluent's wire format
	Silver      = "events.silver"      // JSON, see Refined
	Claims      = "events.claims"      // what duplicates are found by, see stream/events/refine
	DeadLetters = "events.dead.letter" // JSON, see stream/deadletter
	Analytics   = "events.analytics"   // JSON, compacted
	Tombstones  = "events.tombstones"  // JSON, compacted: persons that are forgotten, see stream/events/tombstone
)

// Collector is the origin of dead letters that the collector refused: nothing of them is in events.raw. Their digest is
// the correlation id of the package, the position the place in it.
const Collector = "collect"

// Group is the default consumer group of txflow stream refine.
const Group = "txflow-refine"

// Headers of a message in events.raw.
const (
	HeaderToken   = "txflow-token"   // the name of the sender's token; absent without one
	HeaderRequest = "txflow-request" // the id of the request in the collector's audit log
	HeaderError   = "txflow-error"   // of a dead letter: what its code means
)

// HeaderClaim is of a message in events.silver of an older release: what duplicates of its event are found by, in the
// form of stream/events/refine.
const HeaderClaim = "txflow-claim"
