// Package apidocs serves the contract of an HTTP API: as JSON, and as a page that needs nothing from elsewhere.
package apidocs

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed docs.html
var docsTemplate string

// Docs are a contract, as JSON and as a page that needs nothing from elsewhere. Both are made once, at the start.
type Docs struct {
	json, html []byte
	policy     string // what the page may load and run: its own style and script, known by their hashes
}

// New makes them from an OpenAPI document.
func New(contract *yaml.Node) (*Docs, error) {
	asJSON, err := toJSON(contract)
	if err != nil {
		return nil, err
	}
	var view document
	if err := contract.Decode(&view); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	page, err := template.New("docs").Funcs(template.FuncMap{"json": exampleText,
		"required": requires}).Parse(docsTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse the page of the documentation: %w", err)
	}
	var html bytes.Buffer
	if err := page.Execute(&html, &view); err != nil {
		return nil, fmt.Errorf("make the page of the documentation: %w", err)
	}
	style, script := inline(html.Bytes(), "style"), inline(html.Bytes(), "script")
	if style == "" || script == "" {
		return nil, errors.New("make the page of the documentation: it has no style or no script")
	}
	return &Docs{json: append(asJSON, '\n'), html: html.Bytes(), policy: "default-src 'none'; style-src '" + style +
		"'; script-src '" +
		script +
		"'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}, nil
}

// inline is the hash of the content of the page's only element of a name, as a content security policy has it.
func inline(page []byte, element string) string {
	_, rest, _ := bytes.Cut(page, []byte("<"+element+">"))
	content, _, ok := bytes.Cut(rest, []byte("</"+element+">"))
	if !ok {
		return ""
	}
	sum := sha256.Sum256(content)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// OpenAPI serves the document.
func (d *Docs) OpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(d.json) // the caller is gone: nobody reads it
}

// Page serves the page.
func (d *Docs) Page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", d.policy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(d.html) // the caller is gone: nobody reads it
}

// document is what the page shows of an OpenAPI document, in the document's order.
type document struct {
	Info struct {
		Title, Version, Summary, Description string
	}
	Security   []map[string][]string
	Paths      ordered[ordered[operation]]
	Components struct {
		SecuritySchemes ordered[struct{ Type string }] `yaml:"securitySchemes"`
		Parameters      ordered[parameter]
		Schemas         ordered[schema]
	}
}

// parameter is one of a request: in its path or in a header.
type parameter struct {
	Ref         string `yaml:"$ref"`
	Name, In    string
	Required    bool
	Description string
	Schema      *schema
}

// Parameters returns those of an operation, whether they are its own or shared.
func (d *document) Parameters(o *operation) ([]parameter, error) {
	found := make([]parameter, 0, len(o.Parameters))
	for _, p := range o.Parameters {
		if p.Ref != "" {
			name := p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]
			i := slices.IndexFunc(d.Components.Parameters, func(c pair[parameter]) bool { return c.Key == name })
			if i < 0 {
				return nil, fmt.Errorf("the parameter %s is not in components", p.Ref)
			}
			p = *d.Components.Parameters[i].Value
		}
		found = append(found, p)
	}
	return found, nil
}

// Secured reports whether an operation takes a token.
func (d *document) Secured(o *operation) bool {
	security := d.Security
	if o.Security != nil {
		security = *o.Security
	}
	return slices.ContainsFunc(security, func(s map[string][]string) bool { return len(s) > 0 })
}

type operation struct {
	OperationID          string `yaml:"operationId"`
	Summary, Description string
	Security             *[]map[string][]string // nil: the document's
	Parameters           []parameter
	RequestBody          *struct{ Content ordered[media] } `yaml:"requestBody"`
	Responses            ordered[struct {
		Description string
		Content     ordered[media]
	}]
}

type media struct {
	Schema  *schema
	Example yaml.Node
}

type schema struct {
	Type        any
	Format      string
	Description string
	Ref         string `yaml:"$ref"`
	Items       *schema
	AnyOf       []*schema `yaml:"anyOf"`
	Enum        []string
	Required    []string
	MaxItems    int `yaml:"maxItems"`
	Properties  ordered[schema]
}

// Target is the name of the schema that s, or the items of s, refer to; "" for none.
func (s *schema) Target() string {
	if s.Ref == "" && s.Items != nil {
		return s.Items.Target()
	}
	return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
}

// Kind says in words what s is, without the name that it refers to.
func (s *schema) Kind() string {
	var words []string
	switch t := s.Type.(type) {
	case string:
		words = append(words, t)
	case []any:
		for _, one := range t {
			words = append(words, fmt.Sprint(one))
		}
	}
	text := strings.Join(words, " or ")
	switch {
	case s.Format != "":
		return text + ", " + s.Format
	case s.Items != nil && s.Items.Ref == "":
		return text + " of " + s.Items.Kind()
	case s.Items != nil:
		return text + " of "
	}
	return text
}

// requires reports whether an object of schema s must have the property.
func requires(s *schema, property string) bool { return slices.Contains(s.Required, property) }

func exampleText(example yaml.Node) (string, error) {
	b, err := toJSON(&example)
	if err != nil {
		return "", fmt.Errorf("show an example: %w", err)
	}
	return string(b), nil
}

// ordered is a YAML mapping that keeps its order.
type ordered[T any] []pair[T]

type pair[T any] struct {
	Key   string
	Value *T
}

// UnmarshalYAML reads a mapping.
func (o *ordered[T]) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a mapping is wanted", n.Line)
	}
	for i := 0; i < len(n.Content); i += 2 {
		value := new(T)
		if err := n.Content[i+1].Decode(value); err != nil {
			return fmt.Errorf("line %d: %w", n.Content[i].Line, err)
		}
		*o = append(*o, pair[T]{Key: n.Content[i].Value, Value: value})
	}
	return nil
}
