package store_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/migrations"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/secret"
)

const brokersTopic = "transactions.classified"

// reader is a database that reads from a Kafka of its own.
type reader struct {
	database
	brokers string
	client  *kgo.Client
}

// newReader makes a database and a Kafka; the name may be any.
func newReader(t *testing.T, name string, kafka []kfake.Opt, client ...kgo.Opt) *reader {
	t.Helper()
	cluster, err := kfake.NewCluster(append(kafka, kfake.NumBrokers(1),
		kfake.SeedTopics(1, brokersTopic, "transactions.dlq"))...)
	must(t, err)
	t.Cleanup(cluster.Close)
	brokers := strings.Join(cluster.ListenAddrs(), ",")
	producer, err := kgo.NewClient(append(client, kgo.SeedBrokers(cluster.ListenAddrs()...))...)
	must(t, err)
	t.Cleanup(producer.Close)
	base := embeddedtest.ClickHouse(t)
	at := base + "/?database=" + url.QueryEscape(name)
	db, err := store.Open(store.Config{URL: secret.NewURL(at)})
	must(t, err)
	t.Cleanup(func() {
		embeddedtest.Exec(t, base, "DROP DATABASE `"+strings.ReplaceAll(name, "`", "\\`")+"` SYNC")
		db.Close()
	})
	core, err := migrate.Load(migrations.Files)
	must(t, err)
	must(t, migrate.Up(t.Context(), db, migrate.Set{Name: "core", Migrations: core}, func(migrate.Migration) {}))
	return &reader{database{db, t, at}, brokers, producer}
}

func streamSet(t *testing.T) migrate.Set {
	t.Helper()
	all, err := migrate.Load(migrations.Stream())
	must(t, err)
	return migrate.Set{Name: "stream", Migrations: all}
}

// reads waits until the database has the message, which is no JSON, as a dead letter.
func (r *reader) reads(message string) {
	r.t.Helper()
	must(r.t, r.client.ProduceSync(r.t.Context(), &kgo.Record{Topic: brokersTopic, Value: []byte(message)}).FirstErr())
	for deadline := time.Now().Add(2 * time.Minute); r.sql("SELECT count() FROM dead_letters WHERE raw = '%s'",
		message) == "0"; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s does not have %q; its consumers: %s", r.Database(), message,
				r.sql("SELECT exceptions.text FROM system.kafka_consumers WHERE database = currentDatabase()"))
		}
	}
}

// Two databases of one ClickHouse read from two Kafkas, of which one wants TLS and a password; a third has the tables
// of an older release, which name the collection of the whole server. Each reads from its own, and no value is shown.
func TestEachDatabaseHasItsOwnKafka(t *testing.T) {
	t.Parallel()
	const password = `hunter2SECRET,'\=`
	server := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(server.Close)
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	guarded := newReader(t, "guarded-`kafka'",
		[]kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "clickhouse", password),
			kfake.TLS(&tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12})},
		kgo.DialTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}),
		kgo.SASL(plain.Auth{User: "clickhouse", Pass: password}.AsMechanism()))
	open := newReader(t, "open_kafka", nil)

	// An older release: one collection, as it made it, and its tables, which a try to move them to another Kafka has left
	// detached.
	embeddedtest.Exec(t, embeddedtest.ClickHouse(t),
		"CREATE NAMED COLLECTION txflow_kafka AS kafka_broker_list = '127.0.0.1:1'")
	t.Cleanup(func() { embeddedtest.Exec(t, embeddedtest.ClickHouse(t), "DROP NAMED COLLECTION txflow_kafka") })
	before := newReader(t, "kafka_of_before", nil)
	for _, m := range streamSet(t).Migrations {
		if !m.Replaced && m.Unless == "" {
			before.sql("%s", m.SQL)
		}
		must(t, before.Record(t.Context(), "stream", m))
	}
	before.sql("DETACH TABLE kafka_classified SYNC")
	before.sql("DETACH TABLE kafka_dead_letters SYNC")

	security := map[string]string{"security.protocol": "sasl_ssl", "sasl.mechanisms": "PLAIN",
		"sasl.username": "clickhouse", "sasl.password": password,
		"ssl.ca.pem": authority}
	for _, r := range []*reader{guarded, open, before} {
		settings := map[string]string(nil)
		if r == guarded {
			settings = security
		}
		old, err := r.SetBrokers(t.Context(), r.brokers, settings)
		must(t, err)
		must(t, migrate.Up(t.Context(), r, streamSet(t), func(migrate.Migration) {}))
		if _, err := r.Reattach(t.Context(), old); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []*reader{guarded, open, before} {
		r.reads("a message")
	}
	for _, r := range []*reader{guarded, open, before} {
		if got := r.sql("SELECT count() FROM dead_letters"); got != "1" {
			t.Errorf("%s has %s messages, want its own alone", r.Database(), got)
		}
	}
	if got := open.sql("SELECT arraySort(groupArray(name)) FROM system.named_collections " +
		"WHERE name LIKE 'txflow_kafka%%' AND name != 'txflow_kafka_guarded-`kafka\\''"); got !=
		"['txflow_kafka','txflow_kafka_open_kafka']" {
		t.Errorf("the collections are %s", got)
	}
	if got := open.sql("SELECT arraySort(mapKeys(collection)) FROM system.named_collections " +
		"WHERE name = 'txflow_kafka_open_kafka'"); got !=
		"['kafka.fetch_min_bytes','kafka.fetch_wait_max_ms','kafka_broker_list']" {
		t.Errorf("the collection has %s", got)
	}
	for _, query := range []string{"SELECT * FROM system.named_collections",
		"SELECT create_table_query, engine_full FROM system.tables", "SHOW CREATE TABLE kafka_classified"} {
		if shown := guarded.sql("%s", query); strings.Contains(shown, "hunter2") {
			t.Errorf("%s shows the password: %s", query, shown)
		}
	}

	// Another password: those that are gone are taken out, and an error repeats none.
	delete(security, "ssl.ca.pem")
	if _, err := guarded.SetBrokers(t.Context(), guarded.brokers, security); err != nil {
		t.Error(err)
	}
	if got := guarded.sql("SELECT countIf(mapContains(collection, 'kafka.ssl_ca_pem')) " +
		"FROM system.named_collections"); got != "0" {
		t.Error("a setting that is no longer given stays in the collection")
	}
	guarded.Close()
	if _, err := guarded.SetBrokers(t.Context(), guarded.brokers, security); err == nil ||
		strings.Contains(fmt.Sprint(err), "hunter2") {
		t.Errorf("the error is %v", err)
	}
}
