package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakes puts programs that are shell scripts first on the PATH of a command.
func fakes(t *testing.T, programs map[string]string) (env []string) {
	t.Helper()
	bin := t.TempDir()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/bash\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// TestRelease has each image built for each architecture from its own binaries, with a bill of materials, and one tag
// for all of them.
func TestRelease(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	noted := filepath.Join(dir, "noted")
	env := append(fakes(t, map[string]string{"docker": `echo "docker $*" >>` + noted}),
		"MAKE="+filepath.Join(dir, "make"))
	program := []byte("#!/bin/bash\necho \"make $*\" >>" + noted + "\n")
	if err := os.WriteFile(filepath.Join(dir, "make"), program, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("./release", "registry.example/txflow", "v1.2.3", "amd64 arm64", "validate", "load")
	cmd.Env = env
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	text, err := os.ReadFile(noted)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	of := func(words ...string) (n int) {
		for i, line := range lines {
			all := true
			for _, word := range words {
				all = all && strings.Contains(line, word)
			}
			if all {
				n = i + 1
			}
		}
		return n
	}
	for _, arch := range []string{"amd64", "arm64"} {
		binaries := of("make", "task-binary static", "IMAGE_ARCH="+arch)
		for _, name := range []string{"validate", "load", "txflow", "airflow"} {
			built := of("buildx build", "--platform linux/"+arch+" ", "--sbom=true", "--provenance=mode=max", "--push",
				"--tag registry.example/txflow/"+name+":v1.2.3-"+arch+" ", "VERSION=v1.2.3")
			joined := of("imagetools create --tag registry.example/txflow/"+name+":v1.2.3 ", name+":v1.2.3-"+arch)
			if binaries == 0 || built < binaries || joined < built {
				t.Errorf("%s for %s: binaries in line %d, image in line %d, joined in line %d:\n%s",
					name, arch, binaries, built, joined, text)
			}
		}
	}
	cmd = exec.Command("./release", "", "v1.2.3", "amd64")
	if said, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != 64 ||
		!strings.Contains(string(said), "make release REGISTRY=") {
		t.Errorf("without a registry: %v\n%s", err, said)
	}
}

// TestDigests has make digests pin every image of others, and make up refuse an overlay of other images.
func TestDigests(t *testing.T) {
	t.Parallel()
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	overlay := filepath.Join(t.TempDir(), "digests.yml")
	run := func(docker string, env []string, args ...string) (int, string) {
		cmd := exec.Command("./stack", args...)
		cmd.Env = append(append(fakes(t, map[string]string{"docker": docker}), "DIGESTS="+overlay), env...)
		said, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(said)
	}
	if code, said := run("[[ $2 == version ]]", nil, "digests"); code != 69 || !strings.Contains(said, "does not answer") {
		t.Errorf("no registry: exit %d\n%s", code, said)
	}
	if code, said := run("exit 1", nil, "digests"); code != 69 || !strings.Contains(said, "Docker has no buildx") {
		t.Errorf("no buildx: exit %d\n%s", code, said)
	}
	if _, err := os.Stat(overlay); err == nil {
		t.Error("an overlay is there although no registry answers")
	}
	if code, said := run("echo "+digest, nil, "digests"); code != 0 {
		t.Fatalf("exit %d\n%s", code, said)
	}
	text, err := os.ReadFile(overlay)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range load(t).Services {
		pinned := strings.Contains(string(text), "  "+name+": {image: \"") && strings.Contains(string(text), "@"+digest)
		if own := s.Image == "${TXFLOW_IMAGE}" || s.Image == "${AIRFLOW_IMAGE}"; pinned == own {
			t.Errorf("%s runs %s, pinned: %t\n%s", name, s.Image, pinned, text)
		}
	}
	if code, said := run("exit 1", nil, "pinned"); code != 0 {
		t.Errorf("the images of .env: exit %d\n%s", code, said)
	}
	if code, said := run("exit 1", []string{"KAFKA_IMAGE=apache/kafka:9.9.9"}, "pinned"); code != 69 ||
		!strings.Contains(said, "does not pin apache/kafka:9.9.9, which kafka is to run") {
		t.Errorf("another image: exit %d\n%s", code, said)
	}
}
