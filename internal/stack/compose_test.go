// Package stack holds the script behind make up; its tests look at docker-compose.yml as well.
package stack

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type service struct {
	Image       string
	Profiles    []string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	SecurityOpt []string `yaml:"security_opt"`
	Privileged  bool
	NetworkMode string `yaml:"network_mode"`
	Pid         string
	MemLimit    string `yaml:"mem_limit"`
	PidsLimit   int    `yaml:"pids_limit"`
	Restart     string
	Ports       []string
	Volumes     []mount
	Networks    []string
	Environment map[string]string
	Healthcheck map[string]any
	Logging     struct{ Options map[string]string }
}

// mount is one in Compose's short form.
type mount string

func (m *mount) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return node.Decode((*string)(m))
	}
	var long struct{ Source, Target string }
	err := node.Decode(&long)
	*m = mount(long.Source + ":" + long.Target)
	return err
}

type composeFile struct {
	Services map[string]service
	Networks map[string]struct {
		Name     string
		Internal bool
	}
	Secrets map[string]struct{ File string }
}

func load(t *testing.T) composeFile {
	t.Helper()
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c composeFile
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

const mebi = 1 << 20

func bytesOf(t *testing.T, text string) int {
	t.Helper()
	n := 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + int(c-'0')
		case c == 'm':
			return n * mebi
		case c == 'g':
			return n * 1024 * mebi
		}
	}
	t.Fatalf("a limit like %q", text)
	return 0
}

// TestEachServiceIsHardened has what is expected of every service, whatever its image.
func TestEachServiceIsHardened(t *testing.T) {
	t.Parallel()
	all := 0
	for name, s := range load(t).Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0 || s.Privileged || s.Pid != "" ||
			s.NetworkMode == "host" ||
			!slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) || s.PidsLimit == 0 {
			t.Errorf("%s is not hardened: %+v", name, s)
		}
		if s.Logging.Options["max-size"] == "" || s.MemLimit == "" {
			t.Errorf("%s has no limit of memory or logs", name)
			continue
		}
		if once := s.Restart == "no"; once != (s.Healthcheck == nil) {
			t.Errorf("%s: restart %q, health check %v", name, s.Restart, s.Healthcheck)
		} else if !once && slices.Contains(s.Profiles, "all") {
			all += bytesOf(t, s.MemLimit)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s has the port %s on every address", name, port)
			}
			if !slices.Contains(s.Networks, "edge") {
				t.Errorf("%s has a port, and is not on edge", name)
			}
		}
		for _, v := range s.Volumes {
			if strings.Contains(string(v), "docker.sock") && name != "docker-proxy" {
				t.Errorf("%s has the engine's socket", name)
			}
			if strings.HasPrefix(string(v), "./") && !strings.HasSuffix(string(v), ":ro") {
				t.Errorf("%s may write to %s of the host", name, v)
			}
		}
	}
	if all > 8*1024*mebi {
		t.Errorf("all services may take %d MB", all/mebi)
	}
}

// TestSecretsAreFiles: no variable holds one, and each stands in the closed folder.
func TestSecretsAreFiles(t *testing.T) {
	t.Parallel()
	c := load(t)
	secret := regexp.MustCompile(`PASSWORD|SECRET|TOKEN|FERNET|ACCESS_KEY|CONN_TXFLOW_CLICKHOUSE|SQL_ALCHEMY`)
	for name, s := range c.Services {
		for variable, value := range s.Environment {
			file := strings.HasSuffix(variable, "_FILE") || strings.HasSuffix(variable, "_PASSWORDS")
			if secret.MatchString(variable) && !file {
				t.Errorf("%s: %s=%s", name, variable, value)
			}
			if strings.Contains(value, "@") && strings.Contains(value, "://") {
				t.Errorf("%s: %s has a login in a URL", name, variable)
			}
		}
	}
	for name, s := range c.Secrets {
		if s.File != "${SECRETS}/"+name {
			t.Errorf("the secret %s is in %s", name, s.File)
		}
	}
}

// TestKafkaIsForItsClients: Kafka asks for no password, so it is on networks that lead nowhere else and has no port.
func TestKafkaIsForItsClients(t *testing.T) {
	t.Parallel()
	c := load(t)
	if len(c.Services["kafka"].Ports) > 0 {
		t.Error("Kafka has a port on the host")
	}
	for name, network := range c.Networks {
		if network.Internal != (name != "edge") || !strings.HasPrefix(network.Name, "${COMPOSE_PROJECT_NAME:-txflow}-") {
			t.Errorf("the network %s: %+v", name, network)
		}
		if name == "edge" && slices.Contains(c.Services["kafka"].Networks, name) {
			t.Error("Kafka is on edge")
		}
	}
	for name, s := range c.Services {
		if slices.Contains(s.Networks, "docker") && name != "docker-proxy" && !strings.HasPrefix(name, "airflow-") {
			t.Errorf("%s reaches the proxy before the engine", name)
		}
	}
}

// TestImagesAreNamedExactly: each stands in .env with a tag that is no moving one, but for our own.
func TestImagesAreNamedExactly(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.env")
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.HasSuffix(name, "_IMAGE") {
			images["${"+name+"}"] = value
		}
	}
	exact := regexp.MustCompile(`:v?[0-9]+(\.[0-9]+)+$`)
	for name, s := range load(t).Services {
		if image := images[s.Image]; !exact.MatchString(image) && !strings.HasPrefix(image, "txflow/") {
			t.Errorf("%s: the image %s is %q", name, s.Image, image)
		}
	}
}
