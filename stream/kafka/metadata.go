package kafka

import (
	"fmt"
	"strconv"
	"strings"
)

// A committed offset carries a text of its own. Ours starts with the version of its format; then comes the version of
// the partition's last message, in microseconds since 1970.
const metadataFormat = "1:"

func packMetadata(last int64) string { return metadataFormat + strconv.FormatInt(last, 10) }

// unpackMetadata reads it; an offset that somebody else set has none, which is no error.
func unpackMetadata(text string) (last int64, err error) {
	if text == "" {
		return 0, nil
	}
	number, ok := strings.CutPrefix(text, metadataFormat)
	if !ok {
		return 0, fmt.Errorf("%.50q is of no format that this release knows", text)
	}
	if last, err = strconv.ParseInt(number, 10, 64); err != nil || last < 0 {
		return 0, fmt.Errorf("%.50q holds no version", text)
	}
	return last, nil
}
