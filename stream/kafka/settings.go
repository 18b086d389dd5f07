package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Settings are librdkafka's own, as a user gave them. Secrets among them are never printed: a Settings prints its
// names, and errors and log lines of librdkafka are redacted by it.
type Settings struct{ values map[string]string }

// String names the settings, without their values.
func (s Settings) String() string {
	names := make([]string, 0, len(s.values))
	for name := range s.values {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// GoString is String.
func (s Settings) GoString() string { return s.String() }

// Security are the settings that say how the brokers let a client in, for ClickHouse, which is another one. They hold
// secrets.
func (s Settings) Security() map[string]string {
	found := map[string]string{}
	for name, value := range s.values {
		if first, _, _ := strings.Cut(name, "."); first == "security" || first == "sasl" || first == "ssl" {
			found[name] = value
		}
	}
	return found
}

// AddList adds settings from NAME=VALUE,NAME=VALUE; a comma or a backslash inside a value has a backslash before it.
// Where a name was given before, the later one counts. The error names every setting that is refused, and never holds a
// value.
func (s *Settings) AddList(where, list string) error {
	var items []string
	item := []byte(nil)
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '\\' && i+1 < len(list) && (list[i+1] == ',' || list[i+1] == '\\'):
			i++
			item = append(item, list[i])
		case c == ',':
			items, item = append(items, string(item)), nil
		default:
			item = append(item, c)
		}
	}
	return s.add(where, "setting", append(items, string(item)),
		`a comma inside a value is written as \, or stands in a file for --kafka-config-file`)
}

// AddFile adds settings from the text of a file: NAME=VALUE a line, with values as they stand there, and lines that are
// empty or begin with #, as kcat and Kafka's own tools read them.
func (s *Settings) AddFile(where, text string) error {
	return s.add(where, "line", strings.Split(text, "\n"), "write NAME=VALUE, or # before a comment")
}

func (s *Settings) add(where, unit string, items []string, noValue string) error {
	var errs []error
	for i, item := range items {
		if text := strings.TrimSpace(item); text == "" || unit == "line" && text[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSuffix(item, "\r"), "=")
		name = strings.TrimSpace(name)
		if unit == "line" {
			value = strings.TrimSpace(value)
		}
		switch {
		case !ok: // it may be the rest of a secret
			errs = append(errs, fmt.Errorf("%s %d of %s has no '=': %s", unit, i+1, where, noValue))
		case !known(name):
			errs = append(errs, fmt.Errorf("%s %d of %s is no setting of librdkafka", unit, i+1, where))
		case ours[name] != "":
			errs = append(errs, fmt.Errorf("%s in %s is refused: %s", name, where, ours[name]))
		default:
			if s.values == nil {
				s.values = map[string]string{}
			}
			s.values[name] = value
		}
	}
	return errors.Join(errs...)
}

const exactlyOnce = "with another value messages could be lost or done twice"

// ours are the settings that txflow makes itself, and why.
var ours = map[string]string{
	"bootstrap.servers": "--kafka-brokers names the brokers", "metadata.broker.list": "--kafka-brokers names the brokers",
	"group.id": "--group names the group", "group.instance.id": "--instance names the member",
	"client.id": "--instance names the member", "transactional.id": "--group and --instance name it",
	"session.timeout.ms": "--session-timeout sets it",
	"enable.auto.commit": exactlyOnce, "auto.commit.enable": exactlyOnce, "auto.commit.interval.ms": exactlyOnce,
	"enable.auto.offset.store": exactlyOnce, "auto.offset.reset": exactlyOnce, "isolation.level": exactlyOnce,
	"enable.idempotence": exactlyOnce, "acks": exactlyOnce, "request.required.acks": exactlyOnce,
	"transaction.timeout.ms": exactlyOnce, "partition.assignment.strategy": exactlyOnce, "group.protocol": exactlyOnce,
	"group.remote.assignor": exactlyOnce, "enable.partition.eof": exactlyOnce,
	"log.queue": "txflow logs librdkafka's lines itself",
}

// known reports whether a name may be one of librdkafka's, by how those begin. Another one is not shown to anybody: it
// may be a part of a secret that holds a comma.
func known(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return slices.Contains(strings.Fields(`acks allow api auto batch bootstrap broker builtin check client
		compression connections consume coordinator debug delivery enable fetch group heartbeat interceptors internal
		isolation linger log log_level max message metadata msg_order offset open partition partitioner plugin produce queue
		queued queuing receive reconnect request retries retry sasl security session socket ssl statistics sticky topic
		transaction transactional`), first) &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return r != '.' && r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
		})
}

// secret reports whether the value of a setting must not be printed.
func secret(name string) bool {
	for _, part := range []string{"password", "secret", ".pem", "token", "jaas", "sasl.oauthbearer.config", "private",
		"assertion"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

const hidden = "[hidden]"

// redact takes the secrets out of a text. librdkafka cuts its messages, so that one may end in the middle of a secret.
func (s Settings) redact(text string) string {
	const least = 4 // fewer characters of a secret at the end say nothing
	for name, value := range s.values {
		if !secret(name) {
			continue
		}
		for _, line := range strings.Split(value, "\n") { // of PEM
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			text = strings.ReplaceAll(text, line, hidden)
			for n := len(line) - 1; n >= least; n-- {
				if strings.HasSuffix(text, line[:n]) {
					text = strings.TrimSuffix(text, line[:n]) + hidden
					break
				}
			}
		}
	}
	return text
}

// redactedError is an error whose text holds no secret.
type redactedError struct {
	error
	text string
}

func (e redactedError) Error() string { return e.text }
func (e redactedError) Unwrap() error { return e.error }

func (s Settings) redacted(err error) error {
	if text := s.redact(err.Error()); text != err.Error() {
		return redactedError{err, text}
	}
	return err
}
