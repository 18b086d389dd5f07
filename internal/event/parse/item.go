package parse

import (
	"strings"

	"github.com/txflow/txflow/internal/event"
)

// Longest texts, in bytes.
const (
	maxType  = 512
	maxID    = 256
	maxAgent = 2048
)

// field is a field of an item whose value is understood when all of the item was read.
type field struct{ key, raw string }

// simpleFields are those of the simple form.
var simpleFields = [...]string{"event_id", "event_type", "company_id", "user_id", "timestamp", "metadata", "ip_address",
	"user_agent", "session_id"}

// Indexes into simpleFields.
const (
	simpleID = iota
	simpleType
	simpleCompany
	simpleUser
	simpleTimestamp
	simpleMetadata
	simpleIP
	simpleAgent
	simpleSession
)

// item reads one item.
func (p *parser) item(out *Item, itemBytes int) {
	p.violation = nil
	start, e := p.at, &out.Event
	if p.peek() != '{' {
		p.broken(event.CodeType, "")
		p.value()
	} else {
		p.fields(e)
	}
	if p.err != nil {
		return
	}
	if out.Raw = p.text[start:p.at]; len(out.Raw) > itemBytes {
		p.violation = nil // the size comes first
		p.broken(event.CodeSize, "")
	}
	out.Violation = p.violation
}

// fields reads the object of an item.
func (p *parser) fields(e *event.Event) {
	var simple [len(simpleFields)]string
	var extra []field
	attributes, isSimple := 0, false
	hasData := false
	e.Form = event.FormPackage
	p.object(func(key string) {
		switch key {
		case "data":
			hasData = true
			e.Data = p.data()
		case "headers", "attributes":
			if attributes++; attributes > 1 {
				p.broken(event.CodeAmbiguous, "")
			}
			e.Attributes = p.attributes(e)
		default:
			raw := p.verbatim(p.value)
			for i, name := range simpleFields {
				if key == name {
					simple[i] = raw
					isSimple = isSimple || i == simpleType
					return
				}
			}
			extra = append(extra, field{key, raw})
		}
	})
	switch {
	case p.err != nil:
		return
	case attributes == 0 && isSimple:
		if hasData { // nobody knows it in this form
			extra = append(extra, field{"data", e.Data})
		}
		e.Form, e.Data = event.FormSimple, ""
		p.simple(e, &simple)
	case attributes == 0:
		p.broken(event.CodeMissing, "headers")
	default:
		for i, raw := range simple {
			if raw != "" {
				extra = append(extra, field{simpleFields[i], raw})
			}
		}
		if !hasData {
			p.broken(event.CodeMissing, "data")
		}
	}
	e.Extra = join(extra)
}

// join makes an object of fields.
func join(fields []field) string {
	if len(fields) == 0 {
		return ""
	}
	var b strings.Builder
	for i, f := range fields {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(`"` + f.key + `":` + f.raw)
	}
	b.WriteByte('}')
	return b.String()
}

// verbatim is a value as it stands, without white space between its tokens.
func (p *parser) verbatim(read func()) string {
	start, spaces := p.at, p.spaces
	read()
	if p.err != nil {
		return ""
	}
	raw := p.text[start:p.at]
	if p.spaces > spaces {
		return compact(raw)
	}
	return raw
}

// data reads an object of which only id and amount are known.
func (p *parser) data() string {
	return p.verbatim(func() {
		p.mustObject(func(key string) {
			switch key {
			case "id":
				p.textField(maxID)
			case "amount":
				if c := p.peek(); c != '-' && (c < '0' || c > '9') && c != 'n' {
					p.broken(event.CodeType, "")
				}
				p.value()
			default:
				p.value()
			}
		})
	})
}

// mustObject reads an object; anything else is of the wrong type.
func (p *parser) mustObject(each func(key string)) {
	if p.peek() == '{' {
		p.object(each)
		return
	}
	p.broken(event.CodeType, "")
	p.value()
}

// textField reads a text; null is none.
func (p *parser) textField(limit int) string {
	switch p.peek() {
	case '"':
		return p.checked(p.string(), limit)
	case 'n':
	default:
		p.broken(event.CodeType, "")
	}
	p.value()
	return ""
}

// checked is the text of a string. It notes one that is too long or holds control characters.
func (p *parser) checked(q quoted, limit int) string {
	text := q.text()
	if len(text) > limit {
		p.broken(event.CodeTooLong, "")
	}
	if q.control(text) {
		p.broken(event.CodeControl, "")
	}
	return text
}

// simple takes over the fields of the simple form.
func (p *parser) simple(e *event.Event, raw *[len(simpleFields)]string) {
	for i, limit := range [len(simpleFields)]int{simpleID: maxID, simpleType: maxType, simpleCompany: maxID,
		simpleUser:      maxID,
		simpleTimestamp: -1, simpleMetadata: -1, simpleIP: maxID, simpleAgent: maxAgent, simpleSession: maxID} {
		if raw[i] == "" {
			continue
		}
		p.path = append(p.path, segment{simpleFields[i], -1})
		q := parser{text: raw[i], path: p.path, violation: p.violation}
		switch i {
		case simpleTimestamp:
			q.timestamp(e)
		case simpleMetadata:
			if q.peek() != 'n' {
				e.Data = raw[i]
				q.mustObject(func(string) {
					if q.peek() != '"' {
						q.broken(event.CodeType, "")
					}
					q.value()
				})
			}
		default:
			*[]*string{simpleID: &e.MessageID, simpleType: &e.Type, simpleCompany: &e.AccountID, simpleUser: &e.UserID,
				simpleIP: &e.IPAddress, simpleAgent: &e.UserAgent, simpleSession: &e.SessionID}[i] = q.textField(limit)
		}
		p.path, p.violation = p.path[:len(p.path)-1], q.violation
	}
	if e.Type == "" {
		p.broken(event.CodeMissing, "event_type")
	}
	if e.AccountID == "" {
		p.broken(event.CodeMissing, "company_id")
	}
}
