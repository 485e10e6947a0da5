package manage

import (
	"context"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// Alarm is something that somebody should look at.
type Alarm struct {
	ID             string    `json:"id" example:"alm_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Kind           string    `json:"kind" enum:"fingerprints,mismatches,strangers,guesses" doc:"A card shows too many machines; it met too many refused ones; so many that they have to wait; or an address guesses keys."`
	Card           string    `json:"card,omitempty" doc:"The id of the card; absent: it is about the address."`
	Prefix         string    `json:"prefix,omitempty" doc:"The first characters of the card's key."`
	IP             string    `json:"ip,omitempty" doc:"The address; absent: it is about the card."`
	Count          int       `json:"count" doc:"How many machines or failures it was when last counted."`
	At             time.Time `json:"at"`
	LastAt         time.Time `json:"last_at"`
	AcknowledgedAt time.Time `json:"acknowledged_at,omitzero" doc:"Absent: nobody has looked yet."`
	AcknowledgedBy string    `json:"acknowledged_by,omitempty"`
}

// AlarmRequest chooses alarms; its zero value means all, the last first.
type AlarmRequest struct {
	// Open leaves out those that somebody has acknowledged.
	Open bool
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// AlarmList is one page of alarms.
type AlarmList struct {
	Alarms []Alarm `json:"alarms" nullable:"false"`
	Total  int     `json:"total" doc:"How many there are in all pages."`
}

// Alarms reads one page of alarms.
func (c *Client) Alarms(ctx context.Context, r AlarmRequest) (*AlarmList, error) {
	q := api.Query(nil, map[string]int{"limit": r.Limit, "offset": r.Offset})
	if r.Open {
		q.Set("open", "true")
	}
	return get[AlarmList](ctx, c, "alarms?"+q.Encode())
}

// AcknowledgeAlarm says that somebody has looked at an alarm.
func (c *Client) AcknowledgeAlarm(ctx context.Context, id string) (*Alarm, error) {
	return post[Alarm](ctx, c, "alarms/"+url.PathEscape(id)+"/acknowledge", nil)
}
