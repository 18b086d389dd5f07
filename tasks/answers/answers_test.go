package answers_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks/answers"
)

const perSegment = 5

// chunk is a chunk of segments of five rows with their parts. In each segment the third row was refused, and a second
// call answered the last two.
type chunk struct {
	*artifact.Store
	batch.Chunk
	layout batch.Layout
	files  []batch.File
}

func newChunk(t *testing.T, segments int) *chunk {
	t.Helper()
	c := &chunk{Store: artifact.New(t.Context()), layout: batch.NewLayout(t.TempDir(), "run"),
		files: []batch.File{{URL: "a.csv", SHA256: "aa"}, {URL: "b.csv", SHA256: "bb"}}}
	var text []byte
	index := batch.ClassifiedChunk{}
	for s := range segments {
		start := len(text)
		part := batch.Part{Calls: []batch.PartCall{{Rows: 3, Model: fmt.Sprint("m", s), Attempt: 1},
			{Rows: 2, Model: fmt.Sprint("m", s), Attempt: 2}},
			Refusals: []batch.Refusal{{Row: 2, Status: 422, Message: "no"}}}
		for i := range perSegment {
			n := s*perSegment + i
			row := batch.Row{Transaction: transaction.Transaction{ID: transaction.ID{15: byte(n)}, SourceID: fmt.Sprint(n),
				Description: "tab\tline\n", Side: transaction.Debit,
				Timestamp: time.Unix(1, 0).UTC()}, ContentHash: uint64(n), File: n % 2, Line: uint64(n + 2)}
			text = batch.AppendRow(text, &row)
			category := transaction.DefaultCategories.Names()[n%3]
			if i == 2 {
				category = ""
			}
			part.Categories = append(part.Categories, category)
		}
		c.Segments = append(c.Segments, batch.Segment{Rows: perSegment, Bytes: len(text) - start,
			SHA256: digest(text[start:])})
		part.Segment = digest(text[start:])
		written, err := batch.WriteAll(t.Context(), c, c.layout.Part("api", part.Segment), batch.AppendPart(nil, &part))
		if err != nil {
			t.Fatal(err)
		}
		index.Parts = append(index.Parts, written)
	}
	c.SHA256, c.Rows, c.Bytes = digest(text), int64(segments*perSegment), int64(len(text))
	c.URL = c.layout.Chunk(c.SHA256)
	index.Chunk = c.SHA256
	if _, err := batch.WriteAll(t.Context(), c, c.URL, text); err != nil {
		t.Fatal(err)
	}
	c.write(t, c.layout.Classified(0), index)
	return c
}

func (c *chunk) write(t *testing.T, url string, v any) {
	t.Helper()
	if _, err := batch.WriteJSON(t.Context(), c, url, v); err != nil {
		t.Fatal(err)
	}
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// TestEachRowHasItsAnswer reads a chunk in blocks of several sizes: each row comes once, with its own category, call,
// place and version, and the refused ones are dead letters.
func TestEachRowHasItsAnswer(t *testing.T) {
	t.Parallel()
	const segments = 4
	c := newChunk(t, segments)
	versions := batch.RowVersions{Chunk: c.SHA256}
	for n := range segments * perSegment {
		versions.Versions = append(versions.Versions, int64(1000+n))
	}
	c.write(t, c.layout.Versions(0), versions)
	for _, limit := range []int{1, perSegment, 2*perSegment + 1, 1000} {
		blocks, err := answers.Blocks(t.Context(), c, c.layout, &c.Chunk, limit)
		if err != nil {
			t.Fatal(err)
		}
		if err := answers.KeepVersions(t.Context(), c, c.layout, &c.Chunk, blocks); err != nil {
			t.Fatal(err)
		}
		var reader answers.Reader
		seen := map[string]bool{}
		for i := range blocks {
			rows := int64(0)
			for found, err := range reader.Read(t.Context(), c, &blocks[i], c.files) {
				if err != nil {
					t.Fatal(err)
				}
				for k, r := range found {
					n := reader.At[k]
					rows++
					seen[r.Transaction.SourceID] = true
					want := ledger.Origin{Origin: c.files[n%2].URL, Digest: c.files[n%2].SHA256, Position: uint64(n + 2)}
					attempt := 1 + n%perSegment/3
					if r.Transaction.SourceID != fmt.Sprint(n) || r.ContentHash != uint64(n) || r.Origin != want ||
						r.Version != int64(1000+n) ||
						r.Category.String() != transaction.DefaultCategories.Names()[n%3] ||
						r.Call.Model != fmt.Sprint("m", n/perSegment) || r.Call.Attempt != attempt {
						t.Errorf("limit %d: row %d is %+v with the call %+v", limit, n, r, r.Call)
					}
				}
			}
			for _, d := range reader.Refused {
				seen[d.SourceID] = true
				if n := int(d.ContentHash); d.SourceID != fmt.Sprint(n) || n%perSegment != 2 || d.Message != "no" ||
					d.Version != int64(1000+n) ||
					d.Origin.Position != uint64(n+2) || !strings.Contains(string(d.Raw), `"description":"tab\tline\n"`) {
					t.Errorf("limit %d: refused %+v", limit, d)
				}
			}
			if got := rows + int64(len(reader.Refused)); got != blocks[i].Rows() {
				t.Errorf("limit %d: block %d has %d rows, read %d", limit, i, blocks[i].Rows(), got)
			}
		}
		if len(seen) != segments*perSegment {
			t.Errorf("limit %d: %d rows of %d", limit, len(seen), segments*perSegment)
		}
	}
}

// TestAnswersOfAnotherChunk are refused as bad data, and so are rows of a file that the run does not have.
func TestAnswersOfAnotherChunk(t *testing.T) {
	t.Parallel()
	refused := func(what string, err error) {
		t.Helper()
		if fault.ExitCode(err) != fault.ExitData {
			t.Errorf("%s: %v", what, err)
		}
	}
	c := newChunk(t, 2)
	blocks, err := answers.Blocks(t.Context(), c, c.layout, &c.Chunk, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var reader answers.Reader
	for _, err = range reader.Read(t.Context(), c, &blocks[0], c.files[:1]) {
	}
	refused("a file that is not there", err)
	refused("no versions", answers.KeepVersions(t.Context(), c, c.layout, &c.Chunk, blocks))
	c.write(t, c.layout.Versions(0), batch.RowVersions{Chunk: c.SHA256, Versions: []int64{1}})
	refused("too few versions", answers.KeepVersions(t.Context(), c, c.layout, &c.Chunk, blocks))
	other := newChunk(t, 3)
	_, err = answers.Blocks(t.Context(), c, c.layout, &other.Chunk, 1000)
	refused("parts of another chunk", err)
	c.Index = 1
	_, err = answers.Blocks(t.Context(), c, c.layout, &c.Chunk, 1000)
	refused("not classified", err)
}
