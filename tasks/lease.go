package tasks

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
)

// How long a lease of a run is good, and how often it is renewed: a few renewals may fail.
const (
	leaseFor   = time.Minute
	leaseRenew = 15 * time.Second
)

// lease says that a process works on a run.
type lease struct {
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Until time.Time `json:"until"`
	Ended bool      `json:"ended,omitempty"`
}

// Hold keeps a lease of the run until release is called. Touched is called with the end of each lease, one call at a
// time and none after release; may be nil. A lease that can not be written costs a warning: it only keeps others from
// going on with the run, which is safe.
func Hold(ctx context.Context, env *Env, touched func(until time.Time)) (release func()) {
	host, _ := os.Hostname() // without a name the time alone counts
	write := func(ctx context.Context, l lease) {
		if _, err := batch.WriteJSON(ctx, env.Artifacts, env.Layout.Lease(), &l); err != nil && ctx.Err() == nil {
			env.Log.WarnContext(ctx, "the lease of the run can not be written", "error", err)
		}
		if touched != nil && !l.Ended {
			touched(l.Until)
		}
	}
	mine := func() lease {
		return lease{Host: host, PID: os.Getpid(), Until: time.Now().Add(leaseFor).UTC().Truncate(time.Millisecond)}
	}
	write(ctx, mine())
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(leaseRenew)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				write(ctx, mine())
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		l := mine()
		l.Ended = true
		write(ctx, l)
	}
}

// Unfinished reports whether a run can be gone on with: nobody works on it, and reconcile has not proven that it is
// done.
func Unfinished(ctx context.Context, artifacts batch.Artifacts, layout batch.Layout, now time.Time) (bool, error) {
	for task, status := range map[string]string{"reconcile": "done", "validate": "nothing"} {
		var m batch.Manifest
		err := batch.ReadJSON(ctx, artifacts, layout.Manifest(task, -1), "", &m)
		if err == nil && m.Status == status {
			return false, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && fault.ExitCode(err) != fault.ExitData {
			return false, err
		}
	}
	var l lease
	err := batch.ReadJSON(ctx, artifacts, layout.Lease(), "", &l)
	if errors.Is(err, fs.ErrNotExist) || fault.ExitCode(err) == fault.ExitData {
		return true, nil
	}
	return err == nil && (l.Ended || now.After(l.Until) || l.gone()), err
}

// gone reports whether the holder is known to be dead: a process of this host that is there no more. In a container
// that was started again, this process has the id of the one before it.
func (l *lease) gone() bool {
	host, err := os.Hostname()
	if err != nil || host != l.Host || l.PID <= 0 {
		return false
	}
	return l.PID == os.Getpid() || errors.Is(syscall.Kill(l.PID, 0), syscall.ESRCH)
}
