package embedded_test

// result is a row of the table in docs/security.md.
type result struct {
	attack string
	tried  int
	failed bool
}

var results []result
