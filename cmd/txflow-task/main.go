// Command txflow-task is the batch tasks alone, for images: no cgo, no Kafka, no embedded platform.
package main

import (
	"os"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
)

func main() {
	os.Exit(app.Main(app.New("txflow-task", "one task of the batch pipeline", batchcmd.Commands()), os.Args))
}
