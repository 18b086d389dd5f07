// Package dockerproxycmd is txflow docker-proxy.
package dockerproxycmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/dockerproxy"
	"github.com/txflow/txflow/internal/fault"
)

// leastMemory is what Docker itself gives a container at least, in bytes.
const leastMemory = 6 << 20

// Command is txflow docker-proxy.
func Command() *cli.Command {
	return &cli.Command{
		Name: "docker-proxy", Category: "Deploy",
		Usage: "restrict Airflow's access to the Docker engine to the tasks' images",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:2375", EnvVars: []string{"TXFLOW_DOCKER_PROXY_LISTEN"},
				Usage: "listen at `HOST:PORT`; whoever reaches it may start tasks"},
			&cli.StringFlag{Name: "socket", Value: "/var/run/docker.sock", EnvVars: []string{"TXFLOW_DOCKER_PROXY_SOCKET"},
				Usage: "the engine's socket, a `FILE`"},
			&cli.StringFlag{Name: "images", Value: `txflow/[a-z][a-z-]*(:[A-Za-z0-9._-]+)?`,
				EnvVars: []string{"TXFLOW_DOCKER_PROXY_IMAGES"}, Usage: "images whose whole name matches `REGEXP`"},
			&cli.StringFlag{Name: "network", Value: "txflow-tasks", EnvVars: []string{"TXFLOW_DOCKER_PROXY_NETWORK"},
				Usage: "the `NETWORK` that tasks are on"},
			&cli.Int64Flag{Name: "memory", Value: 2 << 30, EnvVars: []string{"TXFLOW_DOCKER_PROXY_MEMORY"},
				Action: func(c *cli.Context, n int64) error {
					if n < leastMemory {
						return app.Usage(c, fmt.Errorf("--memory is %d: it must be %d or more", n, leastMemory))
					}
					return nil
				},
				Usage: "`BYTES` that a task may have at most"},
		},
		Description: `Who may create containers freely is root on the host. This lets through containers of the given
images, without root, mounts, privileges, capabilities or the host's namespaces, with limits,
and on one network; and then only what concerns those containers.

   txflow docker-proxy --network txflow-tasks
   DOCKER_HOST=tcp://127.0.0.1:2375 docker ps`,
		Action: app.Action(serve),
	}
}

func serve(c *cli.Context, rt *app.Runtime) error {
	images, err := regexp.Compile(`^(?:` + c.String("images") + `)$`)
	if err != nil {
		return app.Usage(c, fmt.Errorf("--images: %w", err))
	}
	listener, err := (&net.ListenConfig{}).Listen(c.Context, "tcp", c.String("listen"))
	if err != nil {
		return fault.WithHint(fault.Fail(fault.ExitUnavailable, err), "name another --listen")
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second,
		Handler: dockerproxy.New(dockerproxy.Config{Socket: c.String("socket"), Images: images,
			Network: c.String("network"), Memory: c.Int64("memory"), Log: rt.Log})}
	stop := context.AfterFunc(c.Context, func() { _ = server.Close() }) // streams end with it; tasks go on
	defer stop()
	rt.Log.InfoContext(c.Context, "ready", "listen", listener.Addr().String(), "network", c.String("network"))
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fault.Fail(fault.ExitUnavailable, err)
	}
	return c.Context.Err()
}
