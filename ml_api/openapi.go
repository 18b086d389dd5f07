// Package mlapi holds the contract of the ML API, which its server shows and its client keeps to.
package mlapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI returns the contract as YAML.
func OpenAPI() []byte { return bytes.Clone(openAPI) }

// With returns the contract with these categories.
func With(categories []string) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(openAPI, &document); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	category := &document
	for _, key := range []string{"components", "schemas", "Category"} {
		if category = value(category, key); category == nil {
			return nil, fmt.Errorf("the OpenAPI document has no %s", key)
		}
	}
	enum, description := value(category, "enum"), value(category, "description")
	if enum == nil || description == nil {
		return nil, errors.New("the OpenAPI document lists no categories")
	}
	description.Value = fmt.Sprintf("In the order that the rule counts by, CATEGORIES[hash(transaction.id) %% %d].",
		len(categories))
	enum.Content = nil
	for _, name := range categories {
		enum.Content = append(enum.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name})
	}
	return &document, nil
}

// value returns what a key of a mapping holds, nil for nothing.
func value(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.DocumentNode {
		n = n.Content[0]
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// OpenAPIJSON returns a contract as JSON, its keys in the order of the YAML.
func OpenAPIJSON(document *yaml.Node) ([]byte, error) {
	b, err := JSON(document)
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// JSON returns a part of the contract as indented JSON, its keys in the order of the YAML.
func JSON(n *yaml.Node) ([]byte, error) {
	b, err := appendJSON(nil, n)
	if err != nil {
		return nil, fmt.Errorf("turn the OpenAPI document into JSON: %w", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, b, "", "  "); err != nil {
		return nil, fmt.Errorf("indent the OpenAPI document: %w", err)
	}
	return indented.Bytes(), nil
}

// appendJSON writes a node; the document uses no anchors.
func appendJSON(b []byte, n *yaml.Node) ([]byte, error) {
	var err error
	switch n.Kind {
	case yaml.DocumentNode:
		return appendJSON(b, n.Content[0])
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i < len(n.Content); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			key, err := json.Marshal(n.Content[i].Value)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n.Line, err)
			}
			if b, err = appendJSON(append(append(b, key...), ':'), n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, item := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case yaml.ScalarNode:
		var value any
		if err := n.Decode(&value); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		return append(b, text...), nil
	}
	return nil, fmt.Errorf("line %d: the document uses something of YAML that JSON has not", n.Line)
}
