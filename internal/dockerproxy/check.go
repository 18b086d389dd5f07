package dockerproxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// description is a container as it may be. What the engine gets is this, written again: a field that is not here does
// not reach it, whatever its spelling, and the engine cannot read the caller's text in another way than the proxy.
type description struct {
	Image        string
	Cmd          []string
	Entrypoint   []string
	Env          []string
	User         string
	Labels       map[string]string
	AttachStdout bool
	AttachStderr bool
	HostConfig   limits
}

type limits struct {
	ReadonlyRootfs bool
	Tmpfs          map[string]string `json:",omitempty"`
	NetworkMode    string
	Memory         int64
	MemorySwap     int64
	NanoCpus       int64
	PidsLimit      int64
	CapDrop        []string
	SecurityOpt    []string
	LogConfig      logConfig
}

type logConfig struct {
	Type   string
	Config map[string]string
}

var (
	programs = []string{"/txflow-task", "/txflow"}
	user     = regexp.MustCompile(`^[1-9][0-9]{0,9}:[1-9][0-9]{0,9}$`) // never root
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(=|$)`)
)

const mostPids = 4096

// check reads a description and says what of it is not let through. Fields with a zero value say nothing and are left
// out.
func (p *Proxy) check(text []byte) (*description, error) {
	fields, err := object(text)
	if err != nil {
		return nil, err
	}
	host, err := object(fields["HostConfig"])
	if err != nil {
		return nil, fmt.Errorf("HostConfig: %w", err)
	}
	delete(fields, "HostConfig")
	d := &description{AttachStdout: true, AttachStderr: true}
	h := &d.HostConfig
	var attachOut, attachErr bool
	if err := take(fields, map[string]any{"Image": &d.Image, "Cmd": &d.Cmd, "Entrypoint": &d.Entrypoint, "Env": &d.Env,
		"User": &d.User, "Labels": &d.Labels, "AttachStdout": &attachOut, "AttachStderr": &attachErr}); err != nil {
		return nil, err
	}
	if err := take(host, map[string]any{"ReadonlyRootfs": &h.ReadonlyRootfs, "Tmpfs": &h.Tmpfs,
		"NetworkMode": &h.NetworkMode, "Memory": &h.Memory,
		"MemorySwap": &h.MemorySwap, "NanoCpus": &h.NanoCpus, "PidsLimit": &h.PidsLimit, "CapDrop": &h.CapDrop,
		"SecurityOpt": &h.SecurityOpt}); err != nil {
		return nil, fmt.Errorf("HostConfig: %w", err)
	}
	switch {
	case !p.cfg.Images.MatchString(d.Image):
		return nil, fmt.Errorf("the image %q is none of txflow's", d.Image)
	case len(d.Entrypoint) != 1 || !slices.Contains(programs, d.Entrypoint[0]):
		return nil, fmt.Errorf("the entry point must be one of %s", strings.Join(programs, ", "))
	case !user.MatchString(d.User):
		return nil, errors.New("the user must be UID:GID, and not root")
	case h.NetworkMode != p.cfg.Network:
		return nil, fmt.Errorf("the network must be %s", p.cfg.Network)
	case !h.ReadonlyRootfs:
		return nil, errors.New("the root file system must be read-only")
	case !slices.Equal(h.CapDrop, []string{"ALL"}):
		return nil, errors.New("all capabilities must be dropped")
	case !slices.Equal(h.SecurityOpt, []string{"no-new-privileges"}):
		return nil, errors.New("the security options must be no-new-privileges alone")
	case h.Memory <= 0 || h.Memory > p.cfg.Memory || h.MemorySwap != h.Memory:
		return nil, fmt.Errorf("the memory must be limited to %d bytes at most, without swap", p.cfg.Memory)
	case h.PidsLimit <= 0 || h.PidsLimit > mostPids:
		return nil, fmt.Errorf("the processes must be limited to %d at most", mostPids)
	case h.NanoCpus <= 0:
		return nil, errors.New("the processors must be limited")
	}
	for path := range h.Tmpfs {
		if path != "/tmp" {
			return nil, fmt.Errorf("a temporary file system may be at /tmp alone, not at %s", path)
		}
	}
	for _, v := range d.Env {
		if !variable.MatchString(v) || strings.HasPrefix(v, "LD_") {
			return nil, errors.New("a variable of the environment is none")
		}
	}
	if d.Labels == nil {
		d.Labels = map[string]string{}
	}
	for name := range d.Labels {
		if !strings.HasPrefix(name, "txflow.") {
			return nil, fmt.Errorf("the label %s is not let through", name)
		}
	}
	d.Labels[Label] = "1"
	h.LogConfig = logConfig{"json-file", map[string]string{"max-size": "10m", "max-file": "2"}}
	return d, nil
}

// object reads a JSON object by its keys, each of which may be there once. Absent or null is empty.
func object(text []byte) (map[string]json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	if len(text) == 0 || string(text) == "null" {
		return fields, nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, errors.New("it is no JSON object")
		}
		name := key.(string) // a key always is
		for known := range fields {
			if strings.EqualFold(known, name) {
				return nil, fmt.Errorf("%s is there twice", name)
			}
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errors.New("it is no JSON object")
		}
		fields[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("it is broken off")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows it")
	}
	return fields, nil
}

// take reads the fields that are known by exactly these names. Any other must have a zero value.
func take(fields map[string]json.RawMessage, known map[string]any) error {
	for name, value := range fields {
		if into, ok := known[name]; ok {
			if err := json.Unmarshal(value, into); err != nil {
				return fmt.Errorf("%s can not be read", name)
			}
			continue
		}
		if !zero(value) {
			return fmt.Errorf("%s is not let through", name)
		}
	}
	return nil
}

// zero reports whether a value says nothing: null, false, 0, "", an empty list, or an object of such.
func zero(value json.RawMessage) bool {
	var v any
	return json.Unmarshal(value, &v) == nil && isZero(v)
}

func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case float64:
		return v == 0
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, inner := range v {
			if !isZero(inner) {
				return false
			}
		}
		return true
	}
	return false
}
