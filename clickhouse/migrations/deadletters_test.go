package migrations_test

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

const everyDeadLetter = `SELECT * EXCEPT (raw, key, headers, first_seen, updated_at)
REPLACE (toString(outcome) AS outcome), hex(raw) AS raw, first_seen AS at, hex(key) AS key,
arrayStringConcat(arrayMap(h -> concat(hex(h.name), '=', ifNull(hex(h.value), 'NULL')), headers), ' ') AS headers
FROM dead_letters FINAL WHERE run_id != 'clickhouse'`

func (b *bench) checkDeadLetters(sent [][]byte) {
	b.t.Helper()
	want := map[string]map[string]any{}
	for _, m := range sent {
		fields := decode(m)
		want[fields["id"].(string)] = fields
	}
	b.rows(everyDeadLetter, func(row map[string]*string) {
		fields := want[*row["id"]]
		if fields == nil {
			return // of a spoiled message
		}
		delete(want, *row["id"])
		b.sameDeadLetter(row, fields)
		if *row["state"] != "open" {
			b.t.Errorf("a new dead letter is %s", *row["state"])
		}
	})
	for id, fields := range want {
		b.t.Errorf("the dead letter %s is lost: %.300v", id, fields)
	}
}

// hexOf is a text in Base64 as ClickHouse's hex has it.
func hexOf(text string) string {
	raw, _ := base64.StdEncoding.DecodeString(text)
	return strings.ToUpper(hex.EncodeToString(raw))
}

// keyAndHeaders are those of a message as everyDeadLetter has them.
func keyAndHeaders(fields map[string]any) (string, bool) {
	key, ok := fields["key"].(string)
	named, isList := fields["headers"].([]any)
	if fields["headers"] == nil { // of an older release
		id, ok := fields["source_id"].(string)
		return strings.ToUpper(hex.EncodeToString([]byte(id))) + " ", ok && !strings.Contains(id, "\ufffd")
	}
	if !isList || !ok && fields["key"] != nil {
		return "", false // of a spoiled message
	}
	all := "NULL"
	if ok {
		all = hexOf(key)
	}
	for _, h := range named {
		header, _ := h.(map[string]any)
		name, _ := header["name"].(string)
		if all += " " + hexOf(name) + "="; header["value"] == nil {
			all += "NULL"
		} else {
			value, _ := header["value"].(string)
			all += hexOf(value)
		}
	}
	return all, true
}

func (b *bench) sameDeadLetter(row map[string]*string, fields map[string]any) {
	b.t.Helper()
	stored := strings.TrimSuffix(show(row["key"])+" "+show(row["headers"]), " ")
	if want, ok := keyAndHeaders(fields); ok && stored != strings.TrimSuffix(want, " ") {
		b.t.Errorf("key and headers of a dead letter are %.300q, the message says %.300q", stored, want)
	}
	for name, value := range fields {
		want, ok := plain(value)
		switch name {
		case "raw":
			want = hexOf(want)
		case "key", "headers":
			continue
		case "version_us":
			name = "version"
			if us, err := strconv.ParseInt(want, 10, 64); err == nil && us > lastMicro {
				ok = false // ClickHouse writes no year of more than four digits
			} else if err == nil && us != 0 {
				want = micro(time.UnixMicro(max(us, 0)))
			} else {
				want, _ = plain(fields["at"])
			}
		}
		if ok && row[name] != nil && !same(name, *row[name], want) {
			b.t.Errorf("%s of a dead letter is %.200q, the message says %.200q", name, *row[name], want)
		}
		if row[name] == nil && name != "unknown" {
			if _, known := row[name]; known {
				b.t.Errorf("%s of a dead letter is NULL", name)
			}
		}
	}
}

func (b *bench) checkSpoiledDeadLetters(topic string, sent map[at][]byte) {
	b.t.Helper()
	dead := b.unreadable(topic, sent)
	stored := map[string]map[string]*string{}
	b.rows(everyDeadLetter, func(row map[string]*string) { stored[*row["position"]] = row })
	for place, m := range sent {
		fields := decode(m)
		if dead[place] || nothing(m) {
			continue
		}
		position, _ := plain(fields["position"])
		if found := positionOf.FindSubmatch(m); fields["position"] == nil && found != nil {
			position = string(found[1]) // no JSON, which ClickHouse reads all the same: it takes any escape in a text
		}
		row := stored[plainNumber(position)]
		if row == nil {
			b.t.Errorf("neither stored nor a dead letter: %.1500q", m)
			continue
		}
		id, _ := fields["id"].(string) // a spoiled digit may make it another message's position
		if strict := decodeStrictly(m); strict != nil && !slices.Contains(spoiledPositions, plainNumber(position)) &&
			strings.ToLower(id) == *row["id"] {
			b.sameDeadLetter(row, strict)
		}
	}
}
