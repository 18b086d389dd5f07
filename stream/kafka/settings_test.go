package kafka

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	var s Settings
	for _, err := range []error{
		s.AddFile("kafka.properties",
			"# a comment\n\nsecurity.protocol = SASL_SSL\r\nsasl.password=a,b=c\\d#e\n  # another\ndebug=broker,topic\n"),
		s.AddList("KAFKA_CONFIG", `sasl.username=me,sasl.password=x\,y\\z\n`),
		s.AddList("--kafka-config", `debug=broker\,topic\,msg`),
		s.AddList("--kafka-config", ""),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"security.protocol": "SASL_SSL", "sasl.username": "me", "sasl.password": `x,y\z\n`,
		"debug": "broker,topic,msg"}
	if !maps.Equal(s.values, want) {
		t.Errorf("%q, want %q", s.values, want)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v", &s, Config{Settings: s}), fmt.Sprintf("%#v", s)} {
		if strings.Contains(text, `x,y`) || !strings.Contains(text, "sasl.password") {
			t.Errorf("printed: %s", text)
		}
	}
}

// TestSettingsAreRefused names all that is wrong, and never a part of a secret.
func TestSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"sasl.password=ab,cdSECRET", "sasl.password=ab,cdSECRET=x",
		"sasl.password=ab,SECRET.x=y", "sasl.password=ab,cd.SECRET=y"} {
		var s Settings
		err := s.AddList("KAFKA_CONFIG", text)
		if err == nil || strings.Contains(err.Error(), "SECRET") ||
			!strings.Contains(err.Error(), "setting 2 of KAFKA_CONFIG") {
			t.Errorf("%s: %v", text, err)
		}
	}
	var s Settings
	var all []string
	for name := range ours {
		all = append(all, name+"=true")
	}
	err := s.AddList("KAFKA_CONFIG", strings.Join(all, ","))
	for name := range ours {
		if err == nil || !strings.Contains(err.Error(), name+" in KAFKA_CONFIG is refused") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"enable.auto.commit", "isolation.level", "enable.idempotence", "transactional.id",
		"group.id", "group.instance.id",
		"acks", "request.required.acks", "auto.offset.reset", "go.logs.channel.enable", "{topic}.acks",
		"default.topic.config"} {
		if err := new(Settings).AddFile("f", name+"=x"); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestSecretsStayHidden looks for them in what librdkafka says of settings that it refuses.
func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	const password = "hunter2,hunter3"
	var s Settings
	if err := s.AddFile("f", "sasl.password="+password+"\nsecurity.protocol="+password); err != nil {
		t.Fatal(err)
	}
	_, err := NewProducer(Config{Brokers: "127.0.0.1:1", Settings: s})
	if fault.ExitCode(err) != fault.ExitUsage || strings.Contains(err.Error(), "hunter") ||
		!strings.Contains(err.Error(), "security.protocol") {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]string{
		"": "", "nothing": "nothing", password: hidden, "a " + password + " b " + password: "a " + hidden + " b " + hidden,
		"cut off: hunter2,hun": "cut off: " + hidden, "hunter": hidden, "hun": "hun",
	} {
		if got := s.redact(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	cause := kafka.NewError(kafka.ErrAuthentication, "wrong password "+password, false)
	if err := s.redacted(cause); strings.Contains(err.Error(), "hunter") || code(err) != kafka.ErrAuthentication ||
		!errors.As(err, new(kafka.Error)) {
		t.Errorf("%v", err)
	}
}
