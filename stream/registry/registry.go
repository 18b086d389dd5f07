// Package registry is the stream's side towards a Schema Registry, by franz-go's client.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/schemas"
)

// Client asks one registry; it implements schemas.Registry. Errors carry exit code 69 when it does not answer.
type Client struct {
	address string // without a password
	client  *sr.Client
}

// requestTime bounds a request, where its context does not: a registry compares a schema with every former version, the
// first time slowly.
const requestTime = 30 * time.Second

// New makes a client for a URL, which may hold user and password; it connects later.
func New(address string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fault.Failf(fault.ExitUsage, "the Schema Registry's URL must be like http://127.0.0.1:8081")
	}
	options := []sr.ClientOpt{sr.UserAgent("txflow"), sr.HTTPClient(&http.Client{Timeout: requestTime})}
	if u.User != nil {
		password, _ := u.User.Password()
		options = append(options, sr.BasicAuth(u.User.Username(), password))
		u.User = nil
	}
	client, err := sr.NewClient(append(options, sr.URLs(u.String()))...)
	if err != nil {
		return nil, fault.Fail(fault.ExitUsage, err)
	}
	return &Client{secret.NewURL(u.String()).String(), client}, nil
}

// Address is the registry's URL, without a password.
func (c *Client) Address() string { return c.address }

// Versions implements schemas.Registry.
func (c *Client) Versions(ctx context.Context, subject string) ([]string, error) {
	schemas, err := c.client.Schemas(ctx, subject)
	if unknown(err) {
		return nil, nil
	}
	if err != nil {
		return nil, c.fault(err)
	}
	slices.SortFunc(schemas, func(a, b sr.SubjectSchema) int { return a.Version - b.Version })
	texts := make([]string, len(schemas))
	for i := range schemas {
		texts[i] = schemas[i].Schema.Schema
	}
	return texts, nil
}

// Level implements schemas.Registry. Confluent's registry answers with its global rule for a subject that it does not
// know; Apicurio does not know the subject's rule then.
func (c *Client) Level(ctx context.Context, subject string) (string, error) {
	result := c.client.Compatibility(sr.WithParams(ctx, sr.DefaultToGlobal), subject)[0]
	if unknown(result.Err) {
		result = c.client.Compatibility(ctx)[0]
	}
	if unknown(result.Err) {
		return schemas.LevelNotSet, nil
	}
	return result.Level.String(), c.fault(result.Err)
}

// SetLevel implements schemas.Registry.
func (c *Client) SetLevel(ctx context.Context, subject, level string) error {
	var l sr.CompatibilityLevel
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return fault.Fail(fault.ExitUsage, err)
	}
	return c.fault(c.client.SetCompatibility(ctx, sr.SetCompatibility{Level: l}, subject)[0].Err)
}

// Findings implements schemas.Registry.
func (c *Client) Findings(ctx context.Context, subject string, format schemas.Format, schema string) ([]string, error) {
	const all = -2
	result, err := c.client.CheckCompatibility(sr.WithParams(ctx, sr.Verbose), subject, all, typed(format, schema))
	if err != nil {
		return nil, c.fault(err)
	}
	if !result.Is && len(result.Messages) == 0 {
		return []string{"the registry says so and does not say why"}, nil
	}
	return result.Messages, nil
}

// Register implements schemas.Registry.
func (c *Client) Register(ctx context.Context, subject string, format schemas.Format, schema string) error {
	_, err := c.client.RegisterSchema(ctx, subject, typed(format, schema), -1, -1)
	return c.fault(err)
}

// AvroID is the id that the registry has given to an Avro schema of a subject. It never changes. The error of a schema
// that is not registered has exit code 69: it is waited for.
func (c *Client) AvroID(ctx context.Context, subject, schema string) (int32, error) {
	found, err := c.client.LookupSchema(ctx, subject, typed(schemas.Avro, schema))
	if notFound(err) {
		return 0, fault.WithHint(fault.Failf(fault.ExitUnavailable,
			"the Schema Registry at %s does not have the schema of %s", c.address, subject),
			"register it with txflow schemas register")
	}
	if err != nil {
		return 0, c.fault(err)
	}
	return int32(found.ID), nil // the wire format has 32 bits for it
}

// notFound reports whether the registry has no such subject, or no such schema in it.
func notFound(err error) bool {
	var answer *sr.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

func typed(format schemas.Format, text string) sr.Schema {
	if format == schemas.Avro {
		return sr.Schema{Schema: text, Type: sr.TypeAvro}
	}
	return sr.Schema{Schema: text, Type: sr.TypeJSON}
}

// unknown reports whether the registry says that it has no such subject, or no rule of it.
func unknown(err error) bool {
	var answer *sr.ResponseError
	return errors.As(err, &answer) && (answer.ErrorCode == sr.ErrSubjectNotFound.Code ||
		answer.ErrorCode == sr.ErrSubjectLevelCompatibilityNotConfigured.Code)
}

// refusal is an answer of the registry, without what is no message of its own: that may repeat the request and its
// password.
type refusal struct{ answer *sr.ResponseError }

func (r *refusal) Error() string {
	const longest = 500
	text := fmt.Sprintf("HTTP status %d", r.answer.StatusCode)
	if r.answer.ErrorCode != 0 && r.answer.StatusCode != http.StatusUnauthorized &&
		r.answer.StatusCode != http.StatusForbidden {
		text += fmt.Sprintf(", code %d: %.*s", r.answer.ErrorCode, longest, r.answer.Message)
	}
	return text
}

func (r *refusal) Unwrap() error { return r.answer }

// fault says what is wrong: an answer that refuses, or none.
func (c *Client) fault(err error) error {
	const next = "start one with txflow platform, or name another with --registry-url (SCHEMA_REGISTRY_URL)"
	var answer *sr.ResponseError
	var unsent *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer) && answer.StatusCode < http.StatusInternalServerError:
		return fault.Fail(fault.ExitData, fmt.Errorf("the Schema Registry at %s refuses: %w", c.address,
			&refusal{answer}))
	case errors.As(err, &unsent): // its own text has the URL twice
		return fault.WithHint(fault.Failf(fault.ExitUnavailable, "the Schema Registry at %s does not answer: %w",
			c.address, unsent.Err), next)
	}
	return fault.WithHint(fault.Failf(fault.ExitUnavailable, "the Schema Registry at %s: %w", c.address, err), next)
}

// Schema is the text of the schema that an id names, which never changes; ok is false when the registry has none.
func (c *Client) Schema(ctx context.Context, id int32) (text string, ok bool, err error) {
	found, err := c.client.SchemaByID(ctx, int(id))
	if notFound(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, c.fault(err)
	}
	return found.Schema, true, nil
}
