package identity

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// Letter is a letter that could not be sent at its last attempt. To whom it goes is
// in no answer.
type Letter struct {
	ID       string     `json:"id" doc:"The id of its job." example:"job_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Template string     `json:"template" doc:"What it is about; empty when an older version queued it." example:"identity.reset"`
	State    string     `json:"state" enum:"waiting,running,dead" doc:"waiting: tried again by itself; running: being tried now; dead: given up."`
	Attempts int        `json:"attempts" doc:"How often it was tried since it was queued or retried."`
	Error    string     `json:"error" doc:"What the last failed attempt said." example:"the mail server refused the reader: 550 5.1.1 <(address)>: User unknown"`
	QueuedAt time.Time  `json:"queued_at"`
	NextAt   *time.Time `json:"next_at,omitempty" doc:"When one that waits is tried again."`
	Until    *time.Time `json:"until,omitempty" doc:"When what it says runs out: it is not sent after that."`
}

// LetterRequest chooses letters that failed; its zero value means all.
type LetterRequest struct {
	// State is "waiting", "running", "dead" or empty.
	State string
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// LetterList is one page of letters that failed, the newest first.
type LetterList struct {
	Letters []Letter `json:"letters" nullable:"false"`
	Total   int      `json:"total" doc:"How many there are in all pages."`
	Failed  int      `json:"failed" doc:"How many letters were given up, whatever was asked for."`
}

// Letters reads one page of the letters that failed.
func (c *Client) Letters(ctx context.Context, r LetterRequest) (*LetterList, error) {
	q := api.Query(map[string]string{"state": r.State}, map[string]int{"limit": r.Limit, "offset": r.Offset})
	return api.Call[LetterList](ctx, c.Client, http.MethodGet, "letters?"+q.Encode(), nil)
}

// RetryLetter has a letter sent that was given up.
func (c *Client) RetryLetter(ctx context.Context, id string) error {
	_, err := c.Bytes(ctx, http.MethodPost, "letters/"+url.PathEscape(id)+"/retry", nil)
	return err
}
