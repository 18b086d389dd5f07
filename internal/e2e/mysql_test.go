package e2e

import (
	"fmt"
	"os/exec"
	"strings"
)

// mysqlReads has a stock client of MySQL count gold by ClickHouse's port for it, and be refused without the password.
// ClickHouse's engine as a library cannot open that port, so that a stand-in proves nothing of it.
func (s *stack) mysqlReads() {
	s.t.Helper()
	if what := s.standsIn("clickhouse"); what != "" {
		s.unprovenf("that a client of MySQL reads gold: %s", what)
		return
	}
	client, err := exec.LookPath("mysql")
	if err != nil {
		s.unprovenf("that a client of MySQL reads gold: mysql is not on the PATH (Debian's default-mysql-client)")
		return
	}
	ask := func(password string) (said string, err error) {
		cmd := s.command(client, "--no-defaults", "--protocol", "tcp", "--host", "127.0.0.1", "--port", s.ports["MYSQL"],
			"--user", "reader", "--batch", "--skip-column-names", "--execute", gold, "txflow")
		cmd.Env = append(cmd.Env, "MYSQL_PWD="+password)
		text, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(text)), err
	}
	if said, err := ask(s.secret("clickhouse_reader")); err != nil || said != fmt.Sprint(s.count(gold)) {
		s.t.Errorf("a client of MySQL reads gold: %v, %q", err, said)
	}
	if said, err := ask("wrong"); err == nil {
		s.t.Errorf("with a wrong password a client of MySQL reads %q", said)
	}
}
