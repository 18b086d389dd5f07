package forget

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/event/parse"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
)

// matcher finds out whether what is stored is of a person.
type matcher struct {
	person    event.Person
	itemBytes int
}

// raw reports whether a message of events.raw is of the person, and whether it can be read. One that cannot is looked
// at for the person's ids as Avro writes texts, with their lengths.
func (m *matcher) raw(value []byte) (of, readable bool) {
	if e, err := events.ParseMessage(value); err == nil {
		return m.person.Is(e.AccountID, e.UserID), true
	}
	return m.holds(value, avroText), false
}

// holds reports whether bytes hold all ids of the person, in the form of a text.
func (m *matcher) holds(value []byte, text func(string) []byte) bool {
	return (m.person.User == "" || bytes.Contains(value, text(m.person.User))) &&
		(m.person.Account == "" || bytes.Contains(value, text(m.person.Account)))
}

func avroText(text string) []byte {
	return append(binary.AppendVarint(nil, int64(len(text))), text...)
}

// deadLetter reports whether the message of a dead letter is of the person.
func (m *matcher) deadLetter(origin string, raw []byte) bool {
	switch origin {
	case events.Raw:
		of, _ := m.raw(raw)
		return of
	case events.Collector:
		if item, err := parse.One(string(raw), m.itemBytes); err == nil &&
			m.person.Is(item.Event.AccountID, item.Event.UserID) {
			return true
		}
		return m.json(raw)
	case events.DeadLetters: // one that ClickHouse could not read: a dead letter itself
		var d deadletter.Message
		if json.Unmarshal(raw, &d) == nil || d.Raw != "" {
			if inner, err := base64.StdEncoding.DecodeString(d.Raw); err == nil && d.Origin != events.DeadLetters &&
				m.deadLetter(d.Origin, inner) {
				return true
			}
		}
	}
	return m.json(raw)
}

// Names of the fields that ids are in.
var (
	userFields    = map[string]bool{"user_id": true, "userId": true}
	accountFields = map[string]bool{"account_id": true, "accountId": true, "company_id": true}
)

// json reports whether a text names the person in fields that ids are in, wherever they are. In what is no JSON, the
// ids are looked for as JSON writes texts.
func (m *matcher) json(text []byte) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	user, account := m.person.User == "", m.person.Account == ""
	var field string
	var objects []bool // whether what is open is an object
	key := false       // whether the next text is the name of a field
	for {
		token, err := d.Token()
		if err == io.EOF {
			return user && account
		}
		if err != nil {
			return m.holds(text, jsonText)
		}
		value := ""
		switch t := token.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				objects = append(objects, t == '{')
				key = t == '{'
				continue
			}
			objects = objects[:len(objects)-1]
		case string:
			if key {
				field, key = t, false
				continue
			}
			value = t
		case json.Number:
			value = t.String()
		}
		user = user || userFields[field] && value == m.person.User
		account = account || accountFields[field] && value == m.person.Account
		key = len(objects) > 0 && objects[len(objects)-1]
		if user && account {
			return true
		}
	}
}

func jsonText(text string) []byte {
	b, _ := json.Marshal(text) // a text
	return b
}
