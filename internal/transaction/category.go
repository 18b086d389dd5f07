package transaction

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Category is the name of a category as the ML API answers it; "" is none.
type Category string

// String returns the category's name.
func (c Category) String() string { return string(c) }

// Categories are those that an ML API may answer, in the API's own order, by which its rule counts.
type Categories struct {
	names  []Category
	byName map[string]Category
}

// defaultNames are the ML API's own, in its order.
var defaultNames = []string{
	"Rent", "Salary Income", "Food", "Restaurant", "Client Expenses", "Transportation", "Utilities", "Entertainment",
	"Healthcare", "Shopping", "Travel", "Education", "Insurance", "Investment", "Subscriptions",
}

// CategoryCount is how many categories there are unless others are configured.
const CategoryCount = 15

// DefaultCategories are the fifteen of the ML API.
var DefaultCategories = func() *Categories {
	c, err := NewCategories(defaultNames)
	if err != nil || c.Len() != CategoryCount {
		panic(fmt.Sprint("the default categories: ", err))
	}
	return c
}()

// Bounds of configured categories.
const (
	maxCategories   = 1000
	maxCategoryName = 100 // bytes
)

// NewCategories takes names in the API's order. Each is 1 to 100 bytes of printable text without quotes, backslashes
// and commas, and without spaces around it; none may occur twice.
func NewCategories(names []string) (*Categories, error) {
	if len(names) == 0 || len(names) > maxCategories {
		return nil, fmt.Errorf("there must be 1 to %d categories, not %d", maxCategories, len(names))
	}
	c := &Categories{names: make([]Category, len(names)), byName: make(map[string]Category, len(names))}
	var faults []error
	for i, name := range names {
		if !plausible(name) || strings.Contains(name, ",") {
			faults = append(faults,
				fmt.Errorf("the category %q must be 1 to %d bytes of printable text without quotes, backslashes and commas", name,
					maxCategoryName))
		}
		if _, twice := c.byName[name]; twice {
			faults = append(faults, fmt.Errorf("the category %q occurs twice", name))
		}
		c.names[i] = Category(name)
		c.byName[name] = c.names[i]
	}
	return c, errors.Join(faults...)
}

func plausible(name string) bool {
	return name != "" && len(name) <= maxCategoryName && utf8.ValidString(name) && strings.TrimSpace(name) == name &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '"' || r == '\\' || !strconv.IsPrint(r) })
}

// Len is how many there are.
func (c *Categories) Len() int { return len(c.names) }

// At returns the i-th, 0 ≤ i < Len.
func (c *Categories) At(i int) Category { return c.names[i] }

// Parse reads a category's name, exactly as the API writes it. It does not allocate.
func (c *Categories) Parse(name []byte) (Category, bool) {
	category, ok := c.byName[string(name)]
	return category, ok
}

// Names returns the names in order.
func (c *Categories) Names() []string {
	names := make([]string, len(c.names))
	for i, name := range c.names {
		names[i] = string(name)
	}
	return names
}

// Equal reports whether both are the same in the same order.
func (c *Categories) Equal(other *Categories) bool { return slices.Equal(c.names, other.names) }

// ParseCategory reads the name of a category that is recorded: which ones there may be was checked when it was
// answered, with the configuration of that time.
func ParseCategory(name string) (Category, bool) {
	if !plausible(name) {
		return "", false
	}
	return Category(name), true
}
