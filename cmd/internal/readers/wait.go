package readers

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/kafka"
)

// WaitRead waits until ClickHouse's consumers, by group and topic, have committed all that is in their topics now.
// After limit the error has exit code 75.
func WaitRead(ctx context.Context, broker kafka.Config, limit time.Duration, out io.Writer,
	readers [][2]string) error {
	at, err := kafka.OpenStatus(broker)
	if err != nil {
		return err
	}
	defer func() { _ = at.Close() }() // it only read
	deadline := time.Now().Add(limit)
	said := time.Now()
	for _, reader := range readers {
		ends := map[int32]int64{}
		for {
			look, err := at.Look(ctx, reader[0], reader[1])
			if err != nil {
				return err
			}
			left := int64(0)
			for _, p := range look.Partitions {
				if _, ok := ends[p.Number]; !ok {
					ends[p.Number] = p.End
				}
				left += max(min(ends[p.Number], p.End)-p.Next(), 0)
			}
			if left == 0 {
				break
			}
			if time.Now().After(deadline) {
				return fault.WithHint(fault.Failf(fault.ExitTryAgain, "after %s ClickHouse has not read %s of %s",
					limit, display.Count(left, "message"), reader[1]),
					"txflow stream status shows whether it goes on; txflow doctor why not")
			}
			if time.Since(said) > 10*time.Second {
				said = time.Now()
				_, _ = fmt.Fprintf(out, "ClickHouse has still to read %s of %s\n", display.Count(left, "message"), reader[1])
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
	return nil
}
