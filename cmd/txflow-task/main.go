// Command txflow-task is the batch tasks alone, for images: no cgo, no Kafka, no embedded platform.
package main

import (
	"os"
	_ "time/tzdata" // an image from scratch has no time zones, and ClickHouse may name one

	// nor root certificates; those of the system are preferred where there are any
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
)

func main() {
	os.Exit(app.Main(app.New("txflow-task", "one task of the batch pipeline", batchcmd.Commands()), os.Args))
}
