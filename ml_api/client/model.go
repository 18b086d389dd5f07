package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/retry"

	"github.com/txflow/txflow/internal/fault"
)

// Model asks GET /health for the model that answers: "" when the service has no such route or reports none. An outage
// is waited out as Predict does it, and fails with the same exit codes.
func (c *Client) Model(ctx context.Context) (string, error) {
	wait := waiting{client: c}
	for attempt := 1; ; attempt++ {
		started := time.Now()
		model, e := c.askHealth(ctx)
		switch v := judge(ctx, &e.outcome); {
		case v == answered, e.status == http.StatusNotFound, e.status == http.StatusMethodNotAllowed:
			return model, nil
		case v == cancelled:
			return "", ctx.Err()
		case v == misconfigured, v == refused:
			return "", c.misconfigured(&e)
		}
		if attempt == c.cfg.MaxAttempts {
			return "", fault.WithHint(fault.Failf(fault.ExitTryAgain, "the ML API at %s did not report its health in %s: %w",
				c.where, display.Count(attempt, "attempt"), e.cause()), nextStart)
		}
		delay := max(c.cfg.backoff().Delay(attempt), e.retryAfter)
		if err := wait.pause(ctx, delay, started, e.cause()); err != nil {
			return "", err
		}
	}
}

func (c *Client) askHealth(ctx context.Context) (model string, e exchange) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	request := c.http.R().SetContext(ctx).SetHeader("Accept", "application/json")
	c.authorize(request.Header)
	response, err := request.Get(c.health)
	if err != nil {
		e.err = err
		return "", e
	}
	defer func() { _ = response.RawBody().Close() }() // it was read as far as it is wanted
	e.status = response.StatusCode()
	e.retryAfter = retry.After(response.Header().Get("Retry-After"), time.Now(), c.cfg.RetryAfterMax)
	body, err := readBounded(nil, response.RawBody(), int(response.RawResponse.ContentLength), answerBase)
	e.describe(body)
	if e.status != http.StatusOK {
		return "", e
	}
	if err != nil && !isBadAnswer(err) {
		e.err = err
		return "", e
	}
	var health struct {
		Model string `json:"model_version"`
	}
	if json.Unmarshal(body, &health) != nil {
		return "", e // some other page: it has no model
	}
	return health.Model, e
}

// misconfigured is exit code 69: what answers is not the service that was meant, or does not let us in.
func (c *Client) misconfigured(e *exchange) error {
	message := fmt.Sprintf("the ML API at %s can not be used: %s", c.where, e.cause())
	if e.status != 0 && e.err == nil {
		message = fmt.Sprintf("the ML API at %s answers %d %s (%s)", c.where, e.status, http.StatusText(e.status), e.body)
	}
	hint := "check the ML API's URL: it is the part before /predict"
	switch {
	case isUnknownCategory(e.err):
		hint = "configure the categories of this API with --categories (TXFLOW_CATEGORIES), or have it answer the " +
			"configured ones; see txflow ml-api check URL"
	case e.status == http.StatusUnauthorized || e.status == http.StatusForbidden:
		hint = "the service, or a proxy before it, wants credentials: a token in ML_API_TOKEN, or in the file that " +
			"--ml-token-file names"
	case e.status >= 300 && e.status < 400:
		hint = "check the ML API's URL: the service redirects, maybe to https"
	case e.wantsTLS || errors.Is(e.err, http.ErrSchemeMismatch):
		hint = "check the ML API's URL: http or https"
	case e.status == http.StatusBadRequest || e.status == http.StatusUnprocessableEntity:
		hint = "this is no answer of the ML API's contract: a proxy, or another service; see txflow ml-api check URL"
	}
	return fault.WithHint(fault.Failf(fault.ExitUnavailable, "%s", message), "%s", hint)
}
