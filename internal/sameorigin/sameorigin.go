// Package sameorigin keeps web pages away from servers that have no login: a browser on the same machine reaches them,
// and sends what any page asks for.
package sameorigin

import (
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
)

// Handler refuses, before next sees anything of it, a request
//   - for a host that is not this machine's: an attacker's name may lead here (DNS rebinding), and its pages then
//
// count as
//
//	  of the same origin. An address, localhost, the machine's own name, those in TXFLOW_HOSTS and
//	  in hosts are known. A host of "*"
//	  knows all names without a dot and those of private zones as well, which cluster networks use;
//	- that a page of another origin makes: by Origin, or by Sec-Fetch-Site where a browser sends no Origin. Following a
//	  link to a page here, a GET of a whole tab, is no such request: the page that has the link can read nothing of it.
func Handler(next http.Handler, hosts ...string) http.Handler {
	hosts = append(slices.Clone(hosts), strings.FieldsFunc(os.Getenv("TXFLOW_HOSTS"),
		func(c rune) bool { return c == ',' || c == ' ' })...)
	if own, err := os.Hostname(); err == nil {
		hosts = append(hosts, own)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !known(r.Host, hosts) {
			http.Error(w, "this server is not "+printable(r.Host)+": use localhost or an address", http.StatusMisdirectedRequest)
			return
		}
		if !sameOrigin(r) {
			http.Error(w, "requests of web pages of another origin are refused", http.StatusForbidden)
			return
		}
		// Pages of other origins cannot embed an answer, and no browser takes it for what it is not.
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func known(host string, hosts []string) bool {
	if host == "" {
		return true // HTTP/1.0, which no browser speaks
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if net.ParseIP(name) != nil || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, name) }) {
		return true
	}
	return slices.Contains(hosts, "*") && (!strings.Contains(name, ".") ||
		slices.ContainsFunc(privateZones, func(zone string) bool { return strings.HasSuffix(name, zone) }))
}

// privateZones cannot be registered: a name in them is of the network that the server is in.
var privateZones = []string{".svc", ".cluster.local", ".internal", ".home.arpa"}

func sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		return strings.EqualFold(origin, "http://"+r.Host) || strings.EqualFold(origin, "https://"+r.Host)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Dest") == "document"
}

// printable leaves out what a name has no use for.
func printable(host string) string {
	return strings.Map(func(c rune) rune {
		if c < '!' || c > '~' || c == '<' || c == '>' {
			return -1
		}
		return c
	}, host)
}
