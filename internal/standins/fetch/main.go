// Command fetch prints the folder that holds a server's own release archive in the user's cache, and fills it if need
// be: `go run ./internal/standins/fetch kafka` or `registry`.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/txflow/txflow/internal/kafkaserver"
	"github.com/txflow/txflow/internal/registryserver"
)

func main() {
	servers := map[string]func(context.Context, io.Writer) (string, error){
		"kafka": kafkaserver.Fetch, "registry": registryserver.Fetch,
	}
	if len(os.Args) != 2 || servers[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: fetch kafka|registry")
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	folder, err := servers[os.Args[1]](ctx, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(69)
	}
	fmt.Println(folder)
}
