package ui

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
)

const assetPath = "/assets/"

//go:embed assets/style.css
var style []byte

//go:embed assets/script.js
var script []byte

// asset is a file beside the pages. Its name has its checksum, so that a browser may keep it for good.
type asset struct {
	path, kind string
	content    []byte
}

var (
	styleAsset  = newAsset("style", "css", "text/css; charset=utf-8", style)
	scriptAsset = newAsset("script", "js", "text/javascript; charset=utf-8", script)
)

func newAsset(name, ending, kind string, content []byte) *asset {
	const digits = 8
	sum := sha256.Sum256(content)
	return &asset{assetPath + name + "." + hex.EncodeToString(sum[:digits]) + "." + ending, kind, content}
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	for _, a := range []*asset{styleAsset, scriptAsset} {
		if r.URL.Path == a.path {
			w.Header().Set("Content-Type", a.kind)
			w.Header().Set("Cache-Control", "max-age=31536000, immutable")
			_, _ = w.Write(a.content) // the reader is gone: there is nobody to tell
			return
		}
	}
	http.NotFound(w, r)
}
