package transaction

// Category is one of the fifteen categories of the ML API; the zero value is none.
type Category uint8

// categoryNames stand in the API's own order, behind "none": the rule of the API counts by it.
var categoryNames = [...]string{
	"", "Rent", "Salary Income", "Food", "Restaurant", "Client Expenses", "Transportation", "Utilities", "Entertainment",
	"Healthcare", "Shopping", "Travel", "Education", "Insurance", "Investment", "Subscriptions",
}

// CategoryCount is how many categories there are.
const CategoryCount = len(categoryNames) - 1

// CategoryAt returns the i-th category in the API's order, 0 ≤ i < CategoryCount.
func CategoryAt(i int) Category { return Category(i + 1) }

// String returns the category's name, "" for none.
func (c Category) String() string {
	if int(c) < len(categoryNames) {
		return categoryNames[c]
	}
	return ""
}

// ParseCategory reads a category's name, exactly as the API writes it.
func ParseCategory(name string) (Category, bool) {
	c, ok := categoryByName[name]
	return c, ok
}

var categoryByName = func() map[string]Category {
	m := make(map[string]Category, CategoryCount)
	for i, name := range categoryNames[1:] {
		m[name] = Category(i + 1)
	}
	return m
}()
