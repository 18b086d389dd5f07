package ui

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/eventstory"
	"github.com/txflow/txflow/internal/fault"
)

// eventView is all that is known of one event, but for what the sender said: that is asked for with txflow events show.
type eventView struct {
	ID          string
	Erased      bool // its person was forgotten
	Gold        *goldEvent
	Steps       []step
	Messages    []eventMessage
	DeadLetters []eventDeadLetter
	Package     []store.EventPackageItem
	Command     []command
}

// goldEvent is a row of the table events, as store.EventStory has it.
type goldEvent struct {
	Type        string      `json:"type"`
	Target      string      `json:"target_subscription"`
	Account     string      `json:"new_context_account_id"`
	User        string      `json:"new_context_user_id"`
	MessageID   string      `json:"message_id_stamp"`
	At          chTime      `json:"timestamp_stamp"`
	AtSource    string      `json:"timestamp_source"`
	Platform    string      `json:"platform"`
	Device      string      `json:"device"`
	Context     string      `json:"context"`
	Score       string      `json:"score"`
	Lost        []lostPoint `json:"lost_points"`
	Rules       string      `json:"rules_version"`
	Late        bool        `json:"late"`
	Future      bool        `json:"future"`
	Correlation string      `json:"correlation_id"`
	Index       int32       `json:"package_index"`
	Token       string      `json:"token"`
	ReceivedAt  chTime      `json:"received_at"`
	PublishedAt chTime      `json:"published_at"`
	ProcessedAt chTime      `json:"processed_at"`
	InsertedAt  chTime      `json:"inserted_at"`
	Origin      string      `json:"origin"`
	Partition   int32       `json:"partition"`
	Position    uint64      `json:"position"`
	ContentHash uint64      `json:"content_hash,string"`
	TraceID     string      `json:"trace_id"`
}

// lostPoint is a part of the score that the event lost, with the rule.
type lostPoint struct {
	Rule   string      `json:"rule"`
	Points json.Number `json:"points"`
}

// eventMessage is a message of events.raw with the id, and what became of it as far as its place shows.
type eventMessage struct {
	Topic      string    `json:"topic"`
	Partition  int32     `json:"partition"`
	Offset     uint64    `json:"offset"`
	RecordedAt time.Time `json:"recorded_at"`
	Request    string    `json:"request"`
	Outcome    string    `json:"outcome"`
}

// eventDeadLetter is a dead letter with the id.
type eventDeadLetter struct {
	Origin    string    `json:"origin"`
	Partition int32     `json:"partition"`
	Position  uint64    `json:"position"`
	Code      string    `json:"code"`
	Pointer   string    `json:"pointer"`
	Message   string    `json:"message"`
	State     string    `json:"state"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Path is the address of the dead letter.
func (d *eventDeadLetter) Path() string { return deadLetterPath(d.Origin, d.Partition, d.Position) }

func (u *UI) eventPage(r *http.Request) (*page, error) {
	id, err := eventID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	st, err := u.cfg.DB.EventStory(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if st.State == "" {
		return nil, fault.WithHint(fault.Failf(fault.ExitNothing, "nothing is known of the event %s", id),
			"ClickHouse may not have read it yet: the page Stream shows how far it is")
	}
	v := &eventView{ID: st.ID, Erased: st.State == store.EventErased,
		Command: []command{{"all that was sent", "txflow events show " + st.ID}}}
	if st.Event != nil {
		v.Gold = &goldEvent{}
		if err := json.Unmarshal(st.Event, v.Gold); err != nil {
			return nil, fault.Failf(fault.ExitFault, "ClickHouse's JSON of the event: %w", err)
		}
	}
	story, err := eventstory.Read(st)
	if err != nil {
		return nil, err
	}
	v.addMessages(story)
	if correlation := story.Correlation(); correlation != "" {
		if v.Package, err = u.cfg.DB.EventPackage(r.Context(), correlation); err != nil {
			return nil, err
		}
	}
	gold, lost := []goldEvent{}, []lostPoint{}
	if v.Gold != nil {
		gold, lost = append(gold, *v.Gold), v.Gold.Lost
		v.addSteps()
	}
	return &page{View: "event", Title: "Event", Section: "Events", Data: v, Parts: []Part{{"event", gold},
		{"lost_points", lost}, {"messages", v.Messages}, {"dead_letters", v.DeadLetters}, {"package", v.Package}}}, nil
}

// addMessages lists the messages with the id, each with what became of it, and the dead letters.
func (v *eventView) addMessages(st *eventstory.Story) {
	for _, d := range st.DeadLetters {
		v.DeadLetters = append(v.DeadLetters, eventDeadLetter{d.Origin, d.Partition, d.Position, d.Code, d.Pointer, d.Message,
			d.State, d.UpdatedAt})
	}
	for i := range st.Messages {
		m := &st.Messages[i]
		v.Messages = append(v.Messages, eventMessage{m.Topic, m.Partition, m.Offset, m.RecordedAt, m.Request,
			st.Fate(m).Kind})
	}
}

// addSteps says how the event came to gold.
func (v *eventView) addSteps() {
	g := v.Gold
	at := func(t chTime) string { return t.UTC().Format(time.DateTime) }
	sender := "on this machine, without a token"
	if g.Token != "" {
		sender = "token " + g.Token
	}
	raw := step{Name: "events.raw", Text: at(g.PublishedAt), More: "partition " + number(g.Partition) + ", offset " +
		number(g.Position)}
	if g.TraceID != "" {
		raw.To, raw.Word = "/traces/"+g.TraceID, "trace"
	}
	v.Steps = []step{{Name: "Collected", Text: at(g.ReceivedAt), More: sender}, raw,
		{Name: "Refined", Text: at(g.ProcessedAt), More: "rules " + g.Rules, To: "/stream", Word: "stream"},
		{Name: "Stored", Text: at(g.InsertedAt), More: strings.Join(g.flags(), ", "), Class: "good"}}
}

func (g *goldEvent) flags() (flags []string) {
	if g.Late {
		flags = append(flags, "published late")
	}
	if g.Future {
		flags = append(flags, "published before its own time")
	}
	return flags
}
