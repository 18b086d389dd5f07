package kafkaserver

import (
	"context"
	"crypto/sha256"
	_ "embed" // the versions are files that other tools read too
	"fmt"
	"io"
	"os/exec"

	"github.com/txflow/txflow/internal/mavenfiles"
)

//go:embed pom.xml
var pom []byte

//go:embed jars.sha256
var sums string

// Fetch returns the folder of the broker's jars, in the user's cache. The first time Maven brings them, about 54 MB.
func Fetch(ctx context.Context, progress io.Writer) (string, error) {
	if _, err := exec.LookPath("java"); err != nil {
		return "", fmt.Errorf("no real Kafka here: %w; install Java 17 or newer, and Maven", err)
	}
	pinned := sha256.Sum256([]byte(sums))
	files := mavenfiles.Files{Name: fmt.Sprintf("kafka-%x", pinned[:6]), POM: pom, Sums: sums,
		Notice: "fetching Kafka's jars, once (54 MB)"}
	return files.Fetch(ctx, progress)
}
