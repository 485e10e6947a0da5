package audit

import (
	"fmt"
	"strconv"
)

// Kind is a way in which a log differs from what was written.
type Kind string

// The kinds of problem.
const (
	// Changed: the row's content is not what was written.
	Changed Kind = "changed"
	// Removed: the row is gone.
	Removed Kind = "removed"
	// Inserted: the row was never written by the log.
	Inserted Kind = "inserted"
	// Moved: the row was written under another number.
	Moved Kind = "moved"
	// Truncated: the newest rows, which the head covers, are gone.
	Truncated Kind = "truncated"
	// BadHashes: the row is what was written, the hashes stored with it are not.
	BadHashes Kind = "bad_hashes"
	// BadHead: the head is missing, is not signed by the log's key, or does not
	// fit the rows.
	BadHead Kind = "bad_head"
	// RolledBack: the log does not continue a head that was kept.
	RolledBack Kind = "rolled_back"
)

// Problem is one finding. First and Last are the row numbers concerned (-1 when
// it concerns none).
type Problem struct {
	Kind  Kind   `json:"kind"`
	First int64  `json:"first"`
	Last  int64  `json:"last"`
	Text  string `json:"text"`
}

// String is the finding in one line.
func (p Problem) String() string {
	switch {
	case p.First < 0:
		return fmt.Sprintf("%s: %s", p.Kind, p.Text)
	case p.First == p.Last:
		return fmt.Sprintf("row %d %s: %s", p.First, p.Kind, p.Text)
	}
	return fmt.Sprintf("rows %d to %d %s: %s", p.First, p.Last, p.Kind, p.Text)
}

// maxProblems bounds the report; Count goes on.
const maxProblems = 1000

// Report is the result of a verification.
type Report struct {
	// Rows is how many rows were read.
	Rows int64 `json:"rows"`
	// Head is the head that the rows were compared with.
	Head Head `json:"-"`
	// Problems are the first 1,000 findings in the order of the rows; Count is
	// the number of all.
	Problems []Problem `json:"problems"`
	Count    int       `json:"count"`
}

// OK says that nothing is wrong.
func (r Report) OK() bool { return r.Count == 0 }

// add notes a finding; the next row with the same finding joins the last one.
func (r *Report) add(p Problem) {
	if n := len(r.Problems); n > 0 && p.First >= 0 {
		last := &r.Problems[n-1]
		if last.Kind == p.Kind && last.Text == p.Text && last.Last+1 == p.First {
			last.Last = p.Last
			return
		}
	}
	r.Count++
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, p)
	}
}

func (r *Report) row(kind Kind, seq int64, text string) { r.rows(kind, seq, seq, text) }

func (r *Report) rows(kind Kind, first, last int64, text string) {
	r.add(Problem{Kind: kind, First: first, Last: last, Text: text})
}

func (r *Report) head(kind Kind, text string) {
	r.add(Problem{Kind: kind, First: -1, Last: -1, Text: text})
}

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(n, 10) + " " + noun + "s"
}
