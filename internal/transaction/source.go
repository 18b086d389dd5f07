package transaction

import (
	"errors"
	"unicode"
	"unicode/utf8"
)

// MaxSource bounds the name of a source, in bytes.
const MaxSource = 256

// CheckSource checks the name of the system that issues the ids, which no name at all may be, too: UTF-8, no control
// character (it is shown in tables and logs), at most MaxSource bytes.
func CheckSource(name []byte) Code {
	if len(name) > MaxSource {
		return CodeTooLong
	}
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRune(name[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return CodeUTF8
		case unicode.IsControl(r):
			return CodeControl
		}
		i += size
	}
	return CodeOK
}

// ValidateSource is CheckSource for a name that a user gives, as an error that never holds the name.
func ValidateSource(name string) error {
	switch CheckSource([]byte(name)) {
	case CodeOK:
		return nil
	case CodeTooLong:
		return errors.New("the name of a source has at most 256 bytes")
	case CodeUTF8:
		return errors.New("the name of a source must be valid UTF-8")
	}
	return errors.New("the name of a source must not hold control characters")
}
