package httpserve

import "testing"

// TestLoopback takes what is not surely this machine for the network.
func TestLoopback(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true,
		"localhost:1": true, ":1": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false,
		"localhost.example:1": false, "127.0.0.1": false, "": false} {
		if Loopback(addr) != want {
			t.Errorf("%q: %t", addr, !want)
		}
	}
}
