package server

// isISO8601 reports whether b is a date and time as the service takes it: YYYY-MM-DD, alone or with T (or a space) and
// HH:MM, HH:MM:SS or a fraction after it, without a zone or with Z or ±HH:MM or ±HHMM.
func isISO8601(b []byte) bool {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return false
	}
	year, month, day := digits(b[0:4]), digits(b[5:7]), digits(b[8:10])
	if year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return false
	}
	if len(b) == 10 {
		return true
	}
	if b[10] != 'T' && b[10] != 't' && b[10] != ' ' {
		return false
	}
	b = b[11:]
	if len(b) < 5 || b[2] != ':' {
		return false
	}
	if hour, minute := digits(b[0:2]), digits(b[3:5]); hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return false
	}
	b = b[5:]
	if len(b) >= 3 && b[0] == ':' {
		if second := digits(b[1:3]); second < 0 || second > 59 {
			return false
		}
		b = b[3:]
		if len(b) > 1 && b[0] == '.' && isDigit(b[1]) {
			n := 1
			for n < len(b) && isDigit(b[n]) {
				n++
			}
			b = b[n:]
		}
	}
	return isZone(b)
}

func isZone(b []byte) bool {
	switch len(b) {
	case 0:
		return true
	case 1:
		return b[0] == 'Z' || b[0] == 'z'
	case 5: // +HHMM
	case 6:
		if b[3] != ':' {
			return false
		}
	default:
		return false
	}
	hour, minute := digits(b[1:3]), digits(b[len(b)-2:])
	return (b[0] == '+' || b[0] == '-') && hour >= 0 && hour < 24 && minute >= 0 && minute < 60
}

// digits reads an unsigned number, -1 if there is anything but digits.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if !isDigit(c) {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func isDigit(c byte) bool { return c-'0' < 10 }

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
