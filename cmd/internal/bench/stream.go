package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/txflow/txflow/internal/kafkaserver"
)

// streamBench measures live transactions on a real Kafka, beside what that Kafka could do without the ML API.
func streamBench(ctx context.Context, o options, b *bencher) (report string, err error) {
	lib, err := kafkaserver.Fetch(ctx, os.Stderr)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.dir, "kafka")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	say("starting Kafka and the ML API")
	broker, err := kafkaserver.Start(ctx, lib, dir, nil)
	if err != nil {
		return "", err
	}
	defer broker.Stop()
	b.brokers = broker.Addr()
	if err := b.startMLAPI(ctx); err != nil {
		return "", err
	}
	if _, err := b.time(ctx, "topics", "apply"); err != nil {
		return "", err
	}
	r := &streamReport{machine: thisMachine(), messages: o.messages}
	for _, step := range []func(context.Context, options, *streamReport) error{b.backlogs, b.streamCeiling,
		b.intoClickHouse, b.delays} {
		if err := step(ctx, o, r); err != nil {
			return "", err
		}
	}
	return r.markdown(), nil
}

// backlog is how a waiting number of messages was made and worked off.
type backlog struct {
	messages int
	produced used
	rate     float64 // messages/s that were classified, from the first transaction to the last
	member   used
}

// backlogRuns is how often the whole backlog is made and worked off; the median counts.
const backlogRuns = 3

// backlogs works off a tenth of the messages, which warms everything up, and then all, several times.
func (b *bencher) backlogs(ctx context.Context, o options, r *streamReport) error {
	done := 0
	for i := range 1 + backlogRuns {
		n := o.messages
		if i == 0 {
			n /= 10
		}
		say("producing %d messages", n)
		k := backlog{messages: n}
		var err error
		if k.produced, err = b.time(ctx, "stream", "produce", "--count", strconv.Itoa(n), "--seed",
			strconv.Itoa(n+i)); err != nil {
			return err
		}
		if k.rate, k.member, err = b.workOff(ctx, n, 1, classifyMember); err != nil {
			return err
		}
		done += n
		say("classified %d messages: %.0f a second, %s", n, k.rate, megabytes(k.member.memory))
		if i == 0 {
			r.small = k
		} else {
			r.backlogs = append(r.backlogs, k)
		}
	}
	slices.SortFunc(r.backlogs, func(a, b backlog) int { return cmp.Compare(a.rate, b.rate) })
	r.classified = done
	return nil
}

// workOff runs members until they are done with n messages. What they used is the memory of the largest, and the
// processor time of all.
func (b *bencher) workOff(ctx context.Context, n, members int, args memberArgs) (perSecond float64, u used, err error) {
	all := make([]*member, members)
	for i := range all {
		if all[i], err = b.startMember(ctx, args, i); err != nil {
			return 0, u, err
		}
	}
	var first time.Time
	start := 0
	var wait advance
	for {
		done, idle := 0, false
		for _, m := range all {
			n, err := m.done(ctx)
			if err != nil {
				return 0, u, err
			}
			done, idle = done+n, idle || n == 0
		}
		if err := wait.at("messages that are classified or refined", done); err != nil {
			return 0, u, err
		}
		now := time.Now()
		if !idle && first.IsZero() {
			first, start = now, done
		}
		if done >= n {
			if perSecond = float64(done-start) / now.Sub(first).Seconds(); start == 0 || start >= n {
				err = fmt.Errorf("%d messages are too few: they were done before all members had worked", n)
			}
			break
		}
		<-time.After(100 * time.Millisecond) // asking has its price, too
	}
	for _, m := range all {
		one, endErr := m.end()
		u.cpu, u.memory, err = u.cpu+one.cpu, max(u.memory, one.memory), errors.Join(err, endErr)
	}
	return perSecond, u, err
}

// memberArgs are the arguments of a member that serves its metrics at an address.
type memberArgs func(addr, instance string) []string

// member is a running `txflow stream classify` or `refine`.
type member struct {
	*service
	url string
}

func classifyMember(addr, instance string) []string {
	return []string{"stream", "classify", "--watch-addr", addr, "--instance", instance}
}

// startMember starts the member of a number, from 0.
func (b *bencher) startMember(ctx context.Context, args memberArgs, number int) (*member, error) {
	var m member
	var err error
	m.service, m.url, err = b.serve(ctx, "/healthz", func(addr string) []string {
		return args(addr, fmt.Sprint("bench-", number))
	})
	return &m, err
}

// done asks for the number of messages that are classified or dead letters.
func (m *member) done(ctx context.Context) (n int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "txflow_stream_messages_total{") {
			fields := strings.Fields(lines.Text())
			count, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			if err != nil {
				return 0, err
			}
			n += int(count)
		}
	}
	return n, lines.Err()
}

// end stops a service gracefully and returns what it used.
func (s *service) end() (used, error) {
	peak := peakRSS(s.cmd.Process.Pid)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return used{}, err
	}
	err := s.wait()
	s.ended = true
	if err != nil {
		return used{}, fmt.Errorf("%s: %w; see %s", s.cmd.Args[1], err, s.log)
	}
	u := usedBy(s.cmd.ProcessState)
	if peak > 0 {
		u.memory = peak
	}
	return u, nil
}
