// Package mlapi holds the contract of the ML API, which its server shows and its client keeps to.
package mlapi

import (
	"bytes"
	_ "embed"
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
