package testtool_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/testtool"
)

// recorder notes how a test ended.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper()                           {}
func (r *recorder) Skipf(format string, args ...any)  { r.skipped = fmt.Sprintf(format, args...) }
func (r *recorder) Fatalf(format string, args ...any) { r.failed = fmt.Sprintf(format, args...) }

func TestMissing(t *testing.T) {
	t.Setenv(testtool.Require, "")
	r := &recorder{}
	testtool.Missing(r, "no %s", "engine")
	if r.failed != "" || r.skipped != "NOT RUN: no engine" {
		t.Errorf("without %s: %+v", testtool.Require, r)
	}
	t.Setenv(testtool.Require, "1")
	r = &recorder{}
	testtool.Missing(r, "no %s", "engine")
	if !strings.Contains(r.failed, "no engine") {
		t.Errorf("with %s: %+v", testtool.Require, r)
	}
}
