// Package parse reads events as senders post them: one item or an array of them, each in the form of a package (data,
// and headers or attributes) or in the simple form (event_type, company_id, …). A text that is no JSON is an error of
// the whole package; whatever else is wrong with an item concerns that item alone.
//
// The parser is by hand: rules are checked in the same pass, with a pointer to what breaks one, and all of that takes
// little more than half as long as the tokens of the library alone, and a fifth of encoding/json (BenchmarkPackage).
package parse

import (
	"fmt"

	"github.com/txflow/txflow/internal/event"
)

// Limits bound a package. All are needed.
type Limits struct {
	Items     int // of a package
	ItemBytes int // of an item, as it came
}

// Nesting that an item may have, and that is read at all.
const (
	maxDepth     = 64
	maxDepthRead = 1000
)

// Item is one item of a package. Its texts are parts of the text that was parsed, wherever possible.
type Item struct {
	Raw       string      // as it came
	Event     event.Event // without ID, Correlation, Token and Received; incomplete with a violation
	Violation *event.Violation
}

// Error says why a text is no package.
type Error struct {
	Offset int // bytes
	What   string
	Items  bool // there are more items than the limit
}

func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.What) }

// Package appends the items of a text to dst. Single says that it is one item, not an array.
func Package(dst []Item, text string, limits Limits) (items []Item, single bool, err error) {
	p := parser{text: text}
	items, single = dst, true
	if p.space(); p.peek() == '[' {
		single = false
		p.list(func(i int) {
			if i == limits.Items {
				p.fail("there are more than %d items", limits.Items)
				p.err.Items = true
				return
			}
			items = append(items, Item{})
			p.item(&items[len(items)-1], limits.ItemBytes)
		})
	} else {
		items = append(items, Item{})
		p.item(&items[len(items)-1], limits.ItemBytes)
	}
	if p.space(); p.err == nil && p.at < len(text) {
		p.fail("something follows the end")
	}
	if p.err != nil {
		return dst, single, p.err
	}
	return items, single, nil
}

// One parses a single item of a package, as a dead letter keeps it.
func One(text string, itemBytes int) (Item, error) {
	items, single, err := Package(nil, text, Limits{Items: 1, ItemBytes: itemBytes})
	if err != nil {
		return Item{}, err
	}
	if !single {
		return Item{}, &Error{What: "it is an array, not an item"}
	}
	return items[0], nil
}
