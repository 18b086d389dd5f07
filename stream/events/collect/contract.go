package collect

import (
	_ "embed"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var openAPI []byte

// contract is the OpenAPI document. It is a part of the program: tests read it.
func contract() *yaml.Node {
	var document yaml.Node
	if err := yaml.Unmarshal(openAPI, &document); err != nil {
		panic("openapi.yaml: " + err.Error())
	}
	return &document
}
