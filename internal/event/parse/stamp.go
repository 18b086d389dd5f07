package parse

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/event"
)

// stampPrefix is how the keys of stamps begin; the class name follows, as it stands in JSON.
const stampPrefix = "X-Message-Stamp-"

// ContextStamp is the key of the stamp that every package has.
const ContextStamp = stampPrefix + `Holded\Shared\Infrastructure\Messenger\Stamp\NewContextStamp`

// stampOf is the last part of the class name of a stamp, "" for another key.
func stampOf(key string) string {
	class, ok := strings.CutPrefix(key, stampPrefix)
	if !ok {
		return ""
	}
	return class[strings.LastIndexByte(class, '\\')+1:]
}

// attributes reads headers or attributes.
func (p *parser) attributes(e *event.Event) string {
	var seen [4]bool
	once := func(stamp int) { // two stamps of one name may be in different namespaces
		if seen[stamp] {
			p.broken(event.CodeDuplicateField, "")
		}
		seen[stamp] = true
	}
	if p.peek() != '{' {
		p.broken(event.CodeType, "")
	}
	contextKey := ""
	raw := p.verbatim(func() {
		p.mustObject(func(key string) {
			switch key {
			case "type":
				e.Type = p.textField(maxType)
				return
			case "targetSubscription":
				e.TargetSubscription = p.textField(maxID)
				return
			}
			switch stampOf(key) {
			case "NewContextStamp":
				once(0)
				contextKey = key
				p.context(e)
			case "TimestampStamp":
				once(1)
				p.timestamp(e)
			case "MessageIdStamp":
				once(2)
				e.MessageID = p.stampText("id", maxID)
			case "AmplitudeTrackStamp":
				once(3)
				p.amplitude(e)
			default:
				p.value()
			}
		})
	})
	if e.Type == "" {
		p.broken(event.CodeMissing, "type")
	}
	if contextKey == "" {
		p.broken(event.CodeMissing, ContextStamp)
		return raw
	}
	if e.AccountID == "" {
		p.broken(event.CodeMissing, string(appendToken(nil, contextKey))+"/accountId")
	}
	if e.UserID == "" {
		p.broken(event.CodeMissing, string(appendToken(nil, contextKey))+"/userId")
	}
	return raw
}

func (p *parser) context(e *event.Event) {
	p.mustStamp(func(q *parser, key string) {
		switch key {
		case "accountId":
			e.AccountID = q.textField(maxID)
		case "userId":
			e.UserID = q.textField(maxID)
		case "requestPlatform":
			e.Platform = q.textField(maxID)
		default:
			q.value()
		}
	})
}

func (p *parser) amplitude(e *event.Event) {
	p.mustStamp(func(q *parser, key string) {
		switch key {
		case "id":
			e.AmplitudeID = q.decimal()
		case "trackedDevice":
			e.Device = q.textField(maxID)
		default:
			q.value()
		}
	})
}

// decimal reads a number that counts, also as a text; null is none.
func (p *parser) decimal() string {
	text := ""
	switch c := p.peek(); {
	case c == '"':
		text = p.string().text()
	case c >= '0' && c <= '9':
		text = p.number()
	case c == 'n':
		p.value()
		return ""
	default:
		p.value()
	}
	if _, err := strconv.ParseUint(text, 10, 64); err != nil {
		p.broken(event.CodeType, "")
		return ""
	}
	return text
}

// mustStamp reads a stamp that is an object: in itself, in an array that holds nothing else, or either as a text of
// JSON, as messengers write headers.
func (p *parser) mustStamp(each func(q *parser, key string)) {
	if _, plain := p.stamp(each); plain {
		p.broken(event.CodeType, "")
	}
}

// stampText reads a stamp that is a text, or an object with a text in a field.
func (p *parser) stampText(name string, limit int) (value string) {
	text, plain := p.stamp(func(q *parser, key string) {
		if key == name {
			value = q.textField(limit)
		} else {
			q.value()
		}
	})
	if plain {
		if text.raw == "" {
			p.broken(event.CodeType, "")
		}
		return p.checked(text, limit)
	}
	return value
}

// stamp reads a stamp. Plain says that it is no object: its text, or "" for what is none.
func (p *parser) stamp(each func(q *parser, key string)) (text quoted, plain bool) {
	switch p.peek() {
	case '{':
		p.object(func(key string) { each(p, key) })
	case '[':
		p.list(func(i int) {
			if i > 0 || p.peek() != '{' {
				p.broken(event.CodeType, "")
				p.value()
				return
			}
			p.object(func(key string) { each(p, key) })
		})
	case '"':
		text = p.string()
		if inner := strings.TrimSpace(text.text()); strings.HasPrefix(inner, "{") || strings.HasPrefix(inner, "[") {
			p.inner(inner, each)
			return quoted{}, false
		}
		return text, true
	case 'n':
		p.value()
	default:
		p.value()
		return quoted{}, true
	}
	return quoted{}, false
}

// inner reads a stamp that was written as a text of JSON. What is wrong with it is wrong with the stamp.
func (p *parser) inner(text string, each func(q *parser, key string)) {
	q := parser{text: text, depth: p.depth}
	if q.peek() == '[' {
		q.stamp(each)
	} else {
		q.object(func(key string) { each(&q, key) })
	}
	q.space()
	switch {
	case q.err != nil || q.at < len(text):
		p.broken(event.CodeType, "")
	case q.violation != nil:
		p.broken(q.violation.Code, "")
	}
}

// timestamp reads a time: RFC 3339 or milliseconds since 1970, plain or in the field dispatchedAt. null is none.
func (p *parser) timestamp(e *event.Event) {
	var micros int64
	found := false
	take := func(q *parser) {
		switch c := q.peek(); {
		case c == '"':
			micros, found = q.instant(q.string().text()), true
		case c == '-' || c >= '0' && c <= '9':
			micros, found = q.instant(q.number()), true
		case c == 'n':
			q.value()
		default:
			q.broken(event.CodeType, "")
			q.value()
		}
	}
	raw := p.verbatim(func() {
		if c := p.peek(); c == '-' || c >= '0' && c <= '9' {
			take(p)
			return
		}
		text, plain := p.stamp(func(q *parser, key string) {
			if key == "dispatchedAt" {
				take(q)
			} else {
				q.value()
			}
		})
		if plain {
			micros, found = p.instant(text.text()), true
		}
	})
	if found {
		e.Timestamp, e.HasTimestamp, e.TimestampText = micros, true, raw
	}
}

// The time stamps that are accepted, in microseconds since 1970.
var (
	earliest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	latest   = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
)

// instant is a time in microseconds since 1970.
func (p *parser) instant(text string) int64 {
	micros, ok := milliseconds(text)
	if !ok {
		micros, ok = date(text)
	}
	if !ok {
		p.broken(event.CodeTimestamp, "")
		return 0
	}
	if micros < earliest || micros >= latest {
		p.broken(event.CodeTimestampRange, "")
		return 0
	}
	return micros
}

func milliseconds(text string) (micros int64, ok bool) {
	const bound = math.MaxInt64 / 1000
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return max(-bound, min(n, bound)) * 1000, true
	}
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false // a float could be inf or 0x1p1, too
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false
	}
	return int64(math.Round(max(-bound, min(f, bound)) * 1000)), true
}

// date reads RFC 3339, with a space in place of the T as well, and in UTC where there is no zone.
func date(text string) (micros int64, ok bool) {
	if len(text) > len("2006-01-02") && text[len("2006-01-02")] == ' ' {
		text = strings.Replace(text, " ", "T", 1)
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UnixMicro(), true
		}
	}
	return 0, false
}
