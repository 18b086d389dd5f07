package harness

import "net/http"

// RefuseAll answers as the API's contract has it for a row that is not valid.
func RefuseAll(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_, _ = w.Write([]byte(`{"detail":[{"msg":"not today"}]}`))
}

// HangUp breaks the connection.
func HangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close() // it is broken on purpose
	}
}
