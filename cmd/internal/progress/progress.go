// Package progress shows how far a run is: on a terminal a line that changes in place, elsewhere a line now and then.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/txflow/txflow/internal/display"
)

// Display shows the tasks of a run. It is safe for concurrent use.
type Display struct {
	w        io.Writer
	terminal bool
	every    time.Duration
	now      func() time.Time

	mu    sync.Mutex
	tasks []*task
	width int // of the line on the terminal
	stop  chan struct{}
	done  chan struct{}
}

type task struct {
	name       string
	rows, done int64
	begin, end time.Time
}

// New starts a display on w, usually stderr. Close it when done.
func New(w io.Writer, terminal bool) *Display {
	d := &Display{w: w, terminal: terminal, every: 5 * time.Second, now: time.Now, stop: make(chan struct{}),
		done: make(chan struct{})}
	if terminal {
		d.every = 100 * time.Millisecond
	}
	go d.loop()
	return d
}

// Begin says that a task starts; rows is 0 where nobody knows yet how many there are.
func (d *Display) Begin(name string, rows int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tasks = append(d.tasks, &task{name: name, rows: rows, begin: d.now()})
}

// Done adds rows that a task has done.
func (d *Display) Done(name string, rows int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.find(name); t != nil {
		t.done += rows
	}
}

// End says that a task is through and prints its line.
func (d *Display) End(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.find(name); t != nil && t.end.IsZero() {
		t.end = d.now()
		d.erase()
		d.println(t.summary())
	}
}

// Close ends the display.
func (d *Display) Close() {
	close(d.stop)
	<-d.done
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
}

func (d *Display) find(name string) *task {
	for i := len(d.tasks) - 1; i >= 0; i-- {
		if d.tasks[i].name == name {
			return d.tasks[i]
		}
	}
	return nil
}

func (d *Display) loop() {
	defer close(d.done)
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-tick.C:
			d.mu.Lock()
			d.show()
			d.mu.Unlock()
		}
	}
}

// show writes the progress of unfinished tasks.
func (d *Display) show() {
	var parts []string
	for _, t := range d.tasks {
		if t.end.IsZero() {
			parts = append(parts, t.status(d.now()))
		}
	}
	if len(parts) == 0 {
		return
	}
	line := strings.Join(parts, "  |  ")
	if !d.terminal {
		d.println(line)
		return
	}
	d.erase()
	_, _ = io.WriteString(d.w, line)
	d.width = len(line)
}

func (d *Display) erase() {
	if d.width > 0 {
		_, _ = fmt.Fprintf(d.w, "\r%s\r", strings.Repeat(" ", d.width))
		d.width = 0
	}
}

func (d *Display) println(line string) { _, _ = fmt.Fprintln(d.w, line) }

func (t *task) summary() string {
	took := t.end.Sub(t.begin)
	if t.done == 0 {
		return fmt.Sprintf("%-10s %s", t.name, took.Round(time.Millisecond))
	}
	return fmt.Sprintf("%-10s %s in %s, %s rows/s", t.name, display.Count(t.done, "row"), took.Round(time.Millisecond),
		display.Thousands(rate(t.done, took)))
}

func (t *task) status(now time.Time) string {
	took := now.Sub(t.begin)
	s := fmt.Sprintf("%s %s", t.name, display.Count(t.done, "row"))
	if t.rows > 0 {
		s = fmt.Sprintf("%s %d%%", t.name, 100*t.done/t.rows)
	}
	s += fmt.Sprintf(", %s rows/s", display.Thousands(rate(t.done, took)))
	if t.rows > t.done && t.done > 0 {
		left := time.Duration(float64(took) * float64(t.rows-t.done) / float64(t.done))
		s += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return s
}

func rate(rows int64, took time.Duration) int64 {
	if took <= 0 {
		return 0
	}
	return int64(float64(rows) / took.Seconds())
}
