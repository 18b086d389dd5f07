// Package dockerproxy stands between a program that starts tasks as containers and the Docker engine. Who may create
// any container is root on the host, so it lets through what tasks need and nothing else: containers of given images,
// on one network, without mounts, privileges or the host's namespaces, and afterwards those containers alone.
package dockerproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Label marks the containers that were created through the proxy; others do not exist for its callers.
const Label = "txflow.docker-proxy"

// Config says what is let through.
type Config struct {
	Socket  string         // of the engine
	Images  *regexp.Regexp // of which containers may be created
	Network string         // that they are on
	Memory  int64          // bytes that one may have at most
	Log     *slog.Logger   // logs what is refused; nil is silent
}

// Proxy answers as a Docker engine does.
type Proxy struct {
	cfg    Config
	engine *http.Client
	pass   *httputil.ReverseProxy
}

// New makes a proxy in front of an engine's socket.
func New(cfg Config) *Proxy {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", cfg.Socket)
	}}
	at := &url.URL{Scheme: "http", Host: "docker"}
	return &Proxy{cfg: cfg, engine: &http.Client{Transport: transport, Timeout: time.Minute},
		pass: &httputil.ReverseProxy{Transport: transport, FlushInterval: -1,
			Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) },
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				refuse(w, http.StatusBadGateway, fmt.Errorf("the Docker engine does not answer: %w", err))
			}}}
}

// A container is named by its id, as the engine answered at its creation: a name could be another one's later.
var (
	versioned = regexp.MustCompile(`^/v1\.[0-9]{1,3}/`)
	container = regexp.MustCompile(`^/containers/([0-9a-f]{12}|[0-9a-f]{64})(/[a-z]+)?$`)
	image     = regexp.MustCompile(`^/images/([A-Za-z0-9._/:@-]+)/json$`)
)

// actions are what may be asked of a container, and with which parameters.
var actions = map[string][]string{
	"GET /json":    {},
	"GET /logs":    {"stdout", "stderr", "follow", "timestamps", "tail", "since", "until"},
	"POST /start":  {},
	"POST /stop":   {"t"},
	"POST /kill":   {"signal"},
	"POST /wait":   {"condition"},
	"POST /attach": {"logs", "stdout", "stderr", "stream"},
	"DELETE ":      {"v", "force"},
}

// maxCreate bounds the description of a container, in bytes.
const maxCreate = 1 << 20

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := p.serve(w, r)
	if err == nil {
		return
	}
	status := http.StatusForbidden
	if errors.Is(err, errNotFound) {
		status = http.StatusNotFound
	}
	p.cfg.Log.WarnContext(r.Context(), "refused", "method", r.Method, "path", r.URL.EscapedPath(), "why", err.Error())
	refuse(w, status, err)
}

// serve lets a request through, or returns why not. What reaches the engine is written again from what was understood.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) error {
	path := r.URL.EscapedPath()
	version := ""
	if found := versioned.FindString(path); found != "" {
		version, path = strings.TrimSuffix(found, "/"), path[len(found)-1:]
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errors.New("the parameters can not be read")
	}
	switch asked := r.Method + " " + path; {
	case asked == "GET /_ping" || asked == "HEAD /_ping" || asked == "GET /version":
		return p.forward(w, r, version+path, nil, false)
	case asked == "GET /containers/json":
		return p.list(w, r, version, query)
	case asked == "POST /containers/create":
		return p.create(w, r, version, query)
	case r.Method == http.MethodGet && image.MatchString(path):
		if name := image.FindStringSubmatch(path)[1]; strings.Contains(name, "..") || !p.cfg.Images.MatchString(name) {
			return fmt.Errorf("the image %s is none of txflow's", name)
		}
		return p.forward(w, r, version+path, nil, false)
	}
	found := container.FindStringSubmatch(path)
	if found == nil {
		return errors.New("the proxy lets this request through for nobody")
	}
	allowed, ok := actions[r.Method+" "+found[2]]
	if !ok {
		return errors.New("the proxy lets nobody do this to a container")
	}
	if query, err = only(query, allowed); err != nil {
		return err
	}
	if err := p.ours(r.Context(), found[1]); err != nil {
		return err
	}
	return p.forward(w, r, version+path, query, found[2] == "/attach")
}

// only are the allowed parameters. Others are refused unless they are empty or false, as clients send their defaults.
func only(query url.Values, allowed []string) (url.Values, error) {
	kept := url.Values{}
	for name, values := range query {
		known := false
		for _, a := range allowed {
			known = known || a == name
		}
		for _, v := range values {
			switch {
			case known:
				kept.Add(name, v)
			case v != "" && v != "0" && !strings.EqualFold(v, "false"):
				return nil, fmt.Errorf("the parameter %s is not let through", name)
			}
		}
	}
	return kept, nil
}

// forward sends a request on, without its body: only create has one, and sends it itself. upgrade keeps what turns the
// connection into a stream.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, path string, query url.Values, upgrade bool) error {
	out := r.Clone(r.Context())
	out.URL = &url.URL{Path: path, RawQuery: query.Encode()}
	out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, 0, nil
	out.Header = http.Header{"User-Agent": {"txflow"}}
	if upgrade && r.Header.Get("Upgrade") != "" {
		out.Header.Set("Connection", "Upgrade")
		out.Header.Set("Upgrade", "tcp")
	}
	p.pass.ServeHTTP(w, out)
	return nil
}

// refuse answers as the engine does.
func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, message(err)) // an error means that the caller is gone
}
