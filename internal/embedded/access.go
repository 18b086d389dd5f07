package embedded

import (
	_ "embed"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/txflow/txflow/internal/embedded/confine"
)

// What the engine is allowed, in ClickHouse's own configuration. Every connection is the user default, which the SQL of
// no connection can change.
var (
	//go:embed access/config.xml
	serverConfig string
	//go:embed access/users.xml
	usersConfig string
)

// confineEngine writes the engine's configuration into folder, allows the engine the files below dir alone, and returns
// the engine's arguments. The configuration and lib's folder may be read.
func confineEngine(folder, dir, lib string) ([]string, error) {
	for _, d := range []string{folder, dir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	config, users := filepath.Join(folder, "config.xml"), filepath.Join(folder, "users.xml")
	var escaped strings.Builder
	if err := xml.EscapeText(&escaped, []byte(folder)); err != nil {
		return nil, err
	}
	err := errors.Join(
		os.WriteFile(config, []byte(strings.ReplaceAll(serverConfig, "FOLDER", escaped.String())), 0o600),
		os.WriteFile(users, []byte(usersConfig), 0o600),
		confine.To(dir), confine.Reading(folder), confine.Reading(filepath.Dir(lib)))
	// On a terminal the engine would write there what it logs, also on top of progress: its lines about threads are about
	// goroutines that change theirs. What goes wrong with a statement is in the statement's answer.
	return []string{"--config-file=" + config, "--log-level=none"}, err
}
