package httpserve

import "net"

// Loopback reports whether only this machine reaches an address to listen on, HOST:PORT. No host is all addresses.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
