package mail

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"guildhall/platform/jobs"
)

// anyAddress finds what looks like an address in a mail server's answer.
var anyAddress = regexp.MustCompile(`[^\s<>"'()\[\],;:]+@[^\s<>"'()\[\],;:]+`)

// shortWord is the length in bytes from which a word says something.
const shortWord = 3

// outcome logs a delivery, and makes an error fit for the queue: it names nobody,
// and a refusal ends the job.
func (o *Outbox) outcome(ctx context.Context, l Letter, err error) error {
	if err == nil {
		o.log.InfoContext(ctx, "letter sent", "letter", l.ID)
		return nil
	}
	masked := errors.New(mask(err.Error(), l))
	if errors.Is(err, ErrRefused) {
		return jobs.Final(masked)
	}
	return masked
}

// mask takes out of a mail server's answer what it repeats of the letter.
func mask(text string, l Letter) string {
	local, _, _ := cutLast(l.To)
	bare, _, _ := strings.Cut(local, "+") // some servers drop what follows
	// The whole first, then its words: a server may have cut it.
	hidden := slices.Concat([]string{l.Subject, l.ToName, local, bare}, strings.Fields(l.Subject), strings.Fields(l.ToName))
	text = anyAddress.ReplaceAllString(text, "(address)")
	for _, private := range hidden {
		if len(private) < shortWord {
			continue
		}
		word := regexp.MustCompile(`(?i)(^|[^\pL\pN])` + regexp.QuoteMeta(private) + `($|[^\pL\pN])`)
		text = word.ReplaceAllString(text, "${1}(hidden)${2}")
	}
	return strings.Join(strings.Fields(text), " ")
}
