package transaction

import "time"

// ParseTimestamp reads "YYYY-MM-DD HH:MM:SS" or RFC 3339 ("T" or a space between, an optional fraction of up to nine
// digits, kept to the microsecond, "Z" or an offset). Without a zone it is UTC. The result is UTC.
func ParseTimestamp(b []byte) (time.Time, bool) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || b[13] != ':' || b[16] != ':' {
		return time.Time{}, false
	}
	if b[10] != ' ' && b[10] != 'T' && b[10] != 't' {
		return time.Time{}, false
	}
	year, ok1 := number(b[0:4])
	month, ok2 := number(b[5:7])
	day, ok3 := number(b[8:10])
	hour, ok4 := number(b[11:13])
	minute, ok5 := number(b[14:16])
	second, ok6 := number(b[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	micros, rest, ok := fraction(b[19:])
	if !ok {
		return time.Time{}, false
	}
	offset, ok := zone(rest)
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, micros*1000, time.UTC)
	if offset != 0 {
		t = t.Add(-time.Duration(offset) * time.Minute)
	}
	return t, true
}

func number(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// fraction reads ".123456" into microseconds and returns what follows. Of up to nine digits those past the sixth are
// cut off.
func fraction(b []byte) (micros int, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	i, n := 1, 0
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		switch {
		case n < 6:
			micros = micros*10 + int(b[i]-'0')
			n++
		case i > 9:
			return 0, nil, false
		}
	}
	if n == 0 {
		return 0, nil, false
	}
	for ; n < 6; n++ {
		micros *= 10
	}
	return micros, b[i:], true
}

// zone reads "", "Z" or "+HH:MM" into minutes east of UTC.
func zone(b []byte) (minutes int, ok bool) {
	if len(b) == 0 || len(b) == 1 && (b[0] == 'Z' || b[0] == 'z') {
		return 0, true
	}
	if len(b) != 6 || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return 0, false
	}
	h, ok1 := number(b[1:3])
	m, ok2 := number(b[4:6])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, false
	}
	minutes = h*60 + m
	if b[0] == '-' {
		minutes = -minutes
	}
	return minutes, true
}

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

// AppendTimestamp appends the form that txflow writes everywhere: RFC 3339 in UTC, with a fraction only if there is
// one.
func AppendTimestamp(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = append(b, byte('0'+year/1000%10), byte('0'+year/100%10))
	b = two(b, year%100)
	b = two(append(b, '-'), int(month))
	b = two(append(b, '-'), day)
	b = two(append(b, 'T'), hour)
	b = two(append(b, ':'), minute)
	b = two(append(b, ':'), second)
	if micros := t.Nanosecond() / 1000; micros != 0 {
		b = append(b, '.')
		b = two(b, micros/10_000)
		b = two(b, micros/100%100)
		b = two(b, micros%100)
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return append(b, 'Z')
}

func two(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
