package kafka

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// logLevel is how much of librdkafka's own log is taken: warnings and worse, as syslog counts. KAFKA_CONFIG may ask for
// more with log_level or debug.
const logLevel = 4

// reportEvery is how often the same trouble is logged: librdkafka reports it many times a second.
const reportEvery = 10 * time.Second

// reporter logs trouble with Kafka for all clients of one member: each kind once in reportEvery, the rest at debug
// level. The lines of librdkafka's own log become structured lines.
type reporter struct {
	log      *slog.Logger
	settings Settings
	now      func() time.Time
	lines    chan kafka.LogEvent
	done     chan struct{}

	mu   sync.Mutex
	last map[string]time.Time // by kind
}

func newReporter(cfg *Config) *reporter {
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &reporter{log: log, settings: cfg.Settings, now: time.Now, lines: make(chan kafka.LogEvent, 100),
		done: make(chan struct{}), last: map[string]time.Time{}}
	go r.follow()
	return r
}

// close ends it, after all clients.
func (r *reporter) close() { close(r.done) }

func (r *reporter) follow() {
	for {
		select {
		case line := <-r.lines:
			r.line(line)
		case <-r.done:
			return
		}
	}
}

// line logs a line of librdkafka's. Broken connections come as errors, too, so here they are details.
func (r *reporter) line(e kafka.LogEvent) {
	attrs := []any{"client", e.Name, "tag", e.Tag, "message", r.settings.redact(e.Message)}
	switch {
	case e.Level > logLevel || e.Tag == "FAIL" || e.Tag == "CONFWARN":
		r.log.Debug("librdkafka", attrs...)
	case r.due("line " + e.Tag):
		r.log.Warn("librdkafka", attrs...)
	default:
		r.log.Debug("librdkafka", attrs...)
	}
}

// trouble logs an error that librdkafka or txflow gets over by trying again.
func (r *reporter) trouble(ctx context.Context, err error, attrs ...any) {
	kind, message := "error "+code(err).String(), "Kafka: trying again"
	switch missing := code(err); {
	case unreachable(err):
		kind, message = "connection", "Kafka does not answer, trying again"
		attrs = append(attrs, "next", nextStart)
	case missing == kafka.ErrUnknownTopicOrPart || missing == kafka.ErrUnknownTopic:
		message = "a topic is missing and is waited for: make it with txflow topics apply"
	}
	level := slog.LevelDebug
	if r.due(kind) {
		level = slog.LevelWarn
	}
	r.log.Log(ctx, level, message, append(attrs, "error", r.settings.redact(err.Error()))...)
}

// due reports whether trouble of a kind is to be logged again.
func (r *reporter) due(kind string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if last, ok := r.last[kind]; ok && now.Sub(last) < reportEvery {
		return false
	}
	r.last[kind] = now
	return true
}

// errors reports the errors of a client that is asked, not listened to, until it is closed.
func (r *reporter) errors(client *kafka.Producer) {
	for e := range client.Events() {
		if err, ok := e.(kafka.Error); ok {
			r.trouble(context.Background(), err)
		}
	}
}
