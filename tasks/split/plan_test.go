package split

import (
	"slices"
	"testing"
)

func TestPlanSpreadsRowsEvenly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rows         int64
		most, atLast int
		want         []int64
	}{
		{0, 16, 10, []int64{0}}, // a chunk without rows, so that a run always has one
		{1, 16, 10, []int64{1}},
		{19, 16, 10, []int64{19}},
		{20, 16, 10, []int64{10, 10}},
		{35, 16, 10, []int64{11, 12, 12}},
		{1000, 3, 10, []int64{333, 333, 334}},
		{5, 16, 0, []int64{1, 1, 1, 1, 1}}, // 0 is as 1
	} {
		var got []int64
		for i, chunk := range plan(c.rows, Config{MaxChunks: c.most, MinRows: c.atLast}) {
			if chunk.Index != i {
				t.Errorf("%d rows: chunk %d has the index %d", c.rows, i, chunk.Index)
			}
			got = append(got, chunk.Rows)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d rows, at most %d chunks of at least %d: got %v, want %v", c.rows, c.most, c.atLast, got, c.want)
		}
	}
}

// All rows are in some chunk, and no chunk has two rows more than another, whatever their number.
func TestPlanLosesNoRow(t *testing.T) {
	t.Parallel()
	for rows := int64(1); rows < 5000; rows += 7 {
		for _, most := range []int{1, 2, 7, 16, 64} {
			chunks := plan(rows, Config{MaxChunks: most, MinRows: 3})
			sum, least, greatest := int64(0), rows, int64(0)
			for _, c := range chunks {
				sum, least, greatest = sum+c.Rows, min(least, c.Rows), max(greatest, c.Rows)
			}
			if sum != rows || len(chunks) > most || greatest-least > 1 {
				t.Fatalf("%d rows in at most %d chunks: %d of them have %d, from %d to %d", rows, most, len(chunks), sum, least,
					greatest)
			}
		}
	}
}
