package ui

import (
	"net/http"
	"strconv"
	"strings"
)

// placeKey is the place of a row: the key by which pages of rows follow each other.
type placeKey struct {
	Origin    string
	Digest    string
	Partition int32
	Position  uint64
}

// values adds the key to a query's values; a nil one is before all rows.
func (k *placeKey) values(to values) values {
	if k == nil {
		k = &placeKey{}
		to["after"] = "0"
	} else {
		to["after"] = "1"
	}
	to["origin"], to["digest"] = k.Origin, k.Digest
	to["partition"], to["position"] = strconv.Itoa(int(k.Partition)), strconv.FormatUint(k.Position, 10)
	return to
}

// text is the key as a parameter of an address. The origin comes last, since it may hold anything.
func (k *placeKey) text() string {
	return strconv.FormatUint(k.Position, 10) + "~" + strconv.Itoa(int(k.Partition)) + "~" + k.Digest + "~" + k.Origin
}

// parsePlace reads a key from a parameter; nil where there is none.
func parsePlace(r *http.Request, name string) (*placeKey, error) {
	given := r.URL.Query().Get(name)
	if given == "" {
		return nil, nil
	}
	const fields = 4
	part := strings.SplitN(given, "~", fields)
	if len(part) != fields {
		return nil, badKey(name)
	}
	position, err := strconv.ParseUint(part[0], 10, 64)
	if err != nil {
		return nil, badKey(name)
	}
	partition, err := strconv.ParseInt(part[1], 10, 32)
	if err != nil {
		return nil, badKey(name)
	}
	return &placeKey{Origin: part[3], Digest: part[2], Partition: int32(partition), Position: position}, nil
}

func itoa(n int) string { return strconv.Itoa(n) }

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}
