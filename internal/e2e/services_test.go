package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// services are those of a profile, the stack's from now on, whose images are there or can be pulled; the others are
// logged.
func (s *stack) services(profile string) (all []string) {
	s.t.Helper()
	s.profile = profile
	var file struct {
		Services map[string]struct{ Image string }
	}
	if err := json.Unmarshal([]byte(s.compose("config", "--format", "json")), &file); err != nil {
		s.t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(file.Services)) {
		service := file.Services[name]
		label, err := standinLabel(service.Image)
		if err != nil {
			if said, err := pull(service.Image); err != nil {
				s.t.Logf("LEFT OUT: %s: its image cannot be pulled here, and has no stand-in: %s", name, said)
				seen.note(name, func(r *ran) { r.what = "**left out**: `" + service.Image + "` could not be pulled" })
				continue
			}
		}
		what := "`" + service.Image + "`"
		if label != "" {
			s.t.Logf("STAND-IN: %s: %s", name, label)
			what += ", in its place: " + label
		}
		seen.note(name, func(r *ran) { r.what = what })
		all = append(all, name)
	}
	return all
}

// pull gets an image, where its registry answers.
func pull(image string) (said []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return exec.CommandContext(ctx, "docker", "pull", "--quiet", image).CombinedOutput()
}

// standinLabel says what a stand-in's image is and cannot prove; "" for a real one.
func standinLabel(image string) (string, error) {
	const format = `{{index .Config.Labels "txflow.standin"}}`
	label, err := exec.Command("docker", "image", "inspect", "--format", format, image).Output()
	return strings.TrimSpace(string(label)), err
}

// standsIn is what stands in for the image of a service that runs; "" for its own.
func (s *stack) standsIn(service string) string {
	s.t.Helper()
	return s.containers()[service].Config.Labels["txflow.standin"]
}

// up starts services, waits until they are healthy, and returns how long that took.
func (s *stack) up(services ...string) time.Duration {
	s.t.Helper()
	began := time.Now()
	s.compose(append([]string{"up", "--detach", "--wait", "--wait-timeout", "900"}, services...)...)
	return time.Since(began).Round(time.Second)
}

// container is what docker inspect says of one.
type container struct {
	ID              string `json:"Id"`
	RestartCount    int
	Config          struct{ Labels map[string]string }
	NetworkSettings struct {
		Networks map[string]struct{ IPAddress string }
	}
	State struct {
		Status    string
		StartedAt time.Time
		Pid       int
		Health    *struct{ Status string }
	}
}

func (c container) healthy() bool { return c.State.Health != nil && c.State.Health.Status == "healthy" }

// containers are those of the stack, by their services. Those of docker compose run, which "docker compose ps --all"
// lists too, may be gone before they are inspected.
func (s *stack) containers() map[string]container {
	s.t.Helper()
	found := map[string]container{}
	ids := s.run("docker", "ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project="+s.project(),
		"--filter", "label=com.docker.compose.oneoff=False")
	for _, c := range s.inspect(strings.Fields(ids)...) {
		found[c.Config.Labels["com.docker.compose.service"]] = c
	}
	return found
}

func (s *stack) inspect(ids ...string) (all []container) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.run("docker", append([]string{"inspect"}, ids...)...)), &all); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// unchanged runs what must change nothing: each container is the same, and each that served has not been started again.
func (s *stack) unchanged(do func()) {
	s.t.Helper()
	before := s.containers()
	do()
	now := s.containers()
	if len(now) != len(before) {
		s.t.Errorf("%d containers were there, now %d", len(before), len(now))
	}
	for name, c := range now {
		was := before[name]
		if served := was.State.Health != nil; was.ID != c.ID || served && !was.State.StartedAt.Equal(c.State.StartedAt) {
			s.t.Errorf("a second up made or started %s again", name)
		}
	}
}

// crash kills the program of a service as the kernel does that of one without memory, and waits until the engine has
// started it again and it is healthy. It returns how long that took.
func (s *stack) crash(service string) time.Duration {
	s.t.Helper()
	before, began := s.containers()[service], time.Now()
	if before.State.Pid == 0 {
		s.t.Fatalf("%s does not run: %+v", service, before.State)
	}
	if err := syscall.Kill(before.State.Pid, syscall.SIGKILL); err != nil { // an engine elsewhere, or of another user
		s.unprovenf("that the engine starts %s again by itself: its process is out of reach: %v", service, err)
		s.compose("kill", service)
		s.up(service)
		return time.Since(began).Round(100 * time.Millisecond)
	}
	s.until(service+" is healthy again", 6*time.Minute, func() bool {
		now := s.inspect(before.ID)[0]
		return now.RestartCount > before.RestartCount && now.healthy()
	})
	return time.Since(began).Round(100 * time.Millisecond)
}

// memory logs what each container takes, and returns the sum in MiB.
func (s *stack) memory() (mebi float64) {
	s.t.Helper()
	ids := strings.Fields(s.compose("ps", "--quiet", "--status", "running"))
	units := map[string]float64{"B": 1. / (1 << 20), "KiB": 1. / (1 << 10), "MiB": 1, "GiB": 1 << 10}
	var lines []string
	said := s.run("docker", append([]string{"stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}"}, ids...)...)
	for line := range strings.Lines(said) {
		var name, unit string
		var n float64
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		name = fields[0]
		if _, err := fmt.Sscanf(fields[1], "%f%s", &n, &unit); err != nil || units[unit] == 0 {
			s.t.Fatalf("docker stats says %q", line)
		}
		mebi += n * units[unit]
		lines = append(lines, fmt.Sprintf("%8.1f MiB  %s", n*units[unit], name))
		if s.profile == "all" {
			name = strings.TrimSuffix(strings.TrimPrefix(name, s.project()+"-"), "-1")
			seen.note(name, func(r *ran) { r.mebi = n * units[unit] })
		}
	}
	slices.Sort(lines)
	s.t.Logf("memory: %.0f MiB in all\n%s", mebi, strings.Join(lines, "\n"))
	return mebi
}
