package dockerproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

var errNotFound = errors.New("no such container")

func message(err error) string {
	text, _ := json.Marshal(map[string]string{"message": "txflow docker-proxy: " + err.Error()}) // strings always can
	return string(text)
}

// list shows the containers that were created here, whatever else the caller filters by.
func (p *Proxy) list(w http.ResponseWriter, r *http.Request, version string, query url.Values) error {
	filters := map[string][]string{}
	if text := query.Get("filters"); text != "" {
		if err := json.Unmarshal([]byte(text), &filters); err != nil {
			return errors.New("filters must be lists of strings")
		}
	}
	filters["label"] = append(filters["label"], Label)
	for name := range filters {
		if name != "label" && name != "id" && name != "status" {
			return fmt.Errorf("the filter %s is not let through", name)
		}
	}
	text, err := json.Marshal(filters)
	if err != nil {
		return err
	}
	kept, err := only(query, []string{"all", "limit", "filters"})
	if err != nil {
		return err
	}
	kept.Set("filters", string(text))
	return p.forward(w, r, version+"/containers/json", kept, false)
}

// ours reports whether a container was created here.
func (p *Proxy) ours(ctx context.Context, id string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/containers/"+id+"/json", nil)
	if err != nil {
		return err
	}
	response, err := p.engine.Do(request)
	if err != nil {
		return fmt.Errorf("the Docker engine does not answer: %w", err)
	}
	defer response.Body.Close()
	var found struct {
		ID     string `json:"Id"`
		Config struct{ Labels map[string]string }
	}
	if response.StatusCode != http.StatusOK || json.NewDecoder(response.Body).Decode(&found) != nil {
		return errNotFound
	}
	if _, ok := found.Config.Labels[Label]; !ok {
		return errNotFound
	}
	return nil
}

// create makes a container from what was understood of its description.
func (p *Proxy) create(w http.ResponseWriter, r *http.Request, version string, query url.Values) error {
	if _, err := only(query, nil); err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxCreate+1))
	if err != nil || len(text) > maxCreate {
		return errors.New("the container's description is too large or broken off")
	}
	wanted, err := p.check(text)
	if err != nil {
		return err
	}
	body, err := json.Marshal(wanted)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://docker"+version+"/containers/create",
		bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.engine.Do(request)
	if err != nil {
		return fmt.Errorf("the Docker engine does not answer: %w", err)
	}
	defer response.Body.Close()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body) // an error means that the caller is gone; its container is swept by labels
	return nil
}
