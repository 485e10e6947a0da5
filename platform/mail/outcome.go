package mail

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"guildhall/platform/jobs"
)

// anyAddress finds what looks like an address in a mail server's answer.
var anyAddress = regexp.MustCompile(`[^\s<>"'()\[\],;:]+@[^\s<>"'()\[\],;:]+`)

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
	text = anyAddress.ReplaceAllString(text, "(address)")
	local, _, _ := cutLast(l.To)
	for _, private := range []string{local, l.ToName, l.Subject} {
		if private == "" {
			continue
		}
		word := regexp.MustCompile(`(?i)(^|[^\pL\pN])` + regexp.QuoteMeta(private) + `($|[^\pL\pN])`)
		text = word.ReplaceAllString(text, "${1}(hidden)${2}")
	}
	return strings.Join(strings.Fields(text), " ")
}
