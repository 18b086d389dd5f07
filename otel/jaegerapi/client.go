// Package jaegerapi reads traces back from Jaeger's HTTP API.
package jaegerapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/txflow/txflow/internal/secret"
)

// ErrNotFound says that Jaeger has no such trace, or not yet: spans arrive a few seconds after they ended.
var ErrNotFound = errors.New("there is no such trace in Jaeger")

// maxAnswer bounds what is read: a span takes about 2 KB.
const maxAnswer = 1 << 30

// Client asks the Jaeger at URL, http://host:16686.
type Client struct {
	URL   string
	HTTP  *http.Client
	Limit int64 // bytes of an answer; 0: 1 GiB
}

// Raw returns a trace as Jaeger returns it: one object with its spans and processes. Where there is none the error is
// ErrNotFound; any other means that Jaeger is unavailable or no Jaeger.
func (c *Client) Raw(ctx context.Context, traceID string) (json.RawMessage, error) {
	var answer struct {
		Data []json.RawMessage `json:"data"`
	}
	if err := c.get(ctx, "/api/traces/"+traceID, &answer); err != nil {
		return nil, err
	}
	if len(answer.Data) == 0 {
		return nil, ErrNotFound
	}
	return answer.Data[0], nil
}

// Services returns the names of the services that Jaeger has traces of: a check that it is one.
func (c *Client) Services(ctx context.Context) ([]string, error) {
	var answer struct {
		Data []string `json:"data"`
	}
	return answer.Data, c.get(ctx, "/api/services", &answer)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(c.URL, "/")+path, http.NoBody)
	if err != nil { // its text would repeat the URL, with whatever secret is in it
		return errors.New("the URL of Jaeger can not be parsed")
	}
	response, err := c.HTTP.Do(request)
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	if err != nil {
		return fmt.Errorf("GET %s%s: %w", secret.NewURL(c.URL), path, err)
	}
	defer func() { _ = response.Body.Close() }() // it was read as far as it is wanted
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return ErrNotFound
	default:
		return fmt.Errorf("GET %s%s: %s", secret.NewURL(c.URL), path, response.Status)
	}
	body := &io.LimitedReader{R: response.Body, N: cmp.Or(c.Limit, maxAnswer)}
	if err := json.NewDecoder(body).Decode(into); err != nil {
		if body.N <= 0 {
			return fmt.Errorf("GET %s%s: the answer is larger than %d bytes", secret.NewURL(c.URL), path,
				cmp.Or(c.Limit, maxAnswer))
		}
		return fmt.Errorf("GET %s%s: not an answer of Jaeger: %w", secret.NewURL(c.URL), path, err)
	}
	return nil
}
