package logout

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/session"
	"guildhall/platform/jobs"
)

// Job is the kind of the jobs that tell an application.
const Job = "identity.logout"

// retries let an application be away for an hour. Several jobs run at once, so
// that one that does not answer keeps few others waiting.
var retries = jobs.HandlerOptions{MaxAttempts: 12, Backoff: 10 * time.Second, MaxBackoff: 10 * time.Minute, Concurrency: 16}

// notice is what an application is to be told: the payload of a job. The token is
// made when it is sent.
type notice struct {
	Client  string `json:"client"`
	Account string `json:"account"`
	// Session is empty for an application that does not want to know which.
	Session string `json:"session,omitempty"`
}

// SessionsEnded enqueues what the applications are to be told, in the transaction
// that ended the sessions. It goes before grant.Desk's SessionsEnded, which ends
// the grants that say whom it concerns.
func (d *Desk) SessionsEnded(ctx context.Context, tx *sql.Tx, e session.Ended) error {
	known := map[string]client.Client{}
	told := map[notice]bool{}
	for _, ended := range e.Sessions {
		ids, err := d.o.Grants.ClientsIn(ctx, tx, ended)
		if err != nil {
			return err
		}
		for _, id := range ids {
			c, ok := known[id]
			if !ok {
				if c, err = d.o.Clients.In(ctx, tx, id); err != nil {
					return err
				}
				known[id] = c
			}
			n := notice{Client: id, Account: e.Account}
			if c.BackchannelSession {
				n.Session = ended
			}
			if c.BackchannelLogoutURI == "" || told[n] {
				continue
			}
			told[n] = true
			if err := d.o.Jobs.Enqueue(ctx, tx, Job, n, jobs.EnqueueOptions{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell runs a job. The application is asked for anew: one that was removed or
// disabled, or has no address any more, is told nothing.
func (d *Desk) tell(ctx context.Context, j jobs.Job) error {
	var n notice
	if err := json.Unmarshal(j.Payload, &n); err != nil {
		return jobs.Final(fmt.Errorf("read whom to tell of a logout: %w", err))
	}
	c, err := d.o.Clients.Get(ctx, n.Client)
	if errors.Is(err, client.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !c.Active() || c.BackchannelLogoutURI == "" {
		return nil
	}
	token, err := d.o.Minter.LogoutToken(ctx, c, n.Account, n.Session)
	if err != nil {
		return err
	}
	if err := d.o.Post(ctx, c.BackchannelLogoutURI, token); err != nil {
		return fmt.Errorf("tell the application %s of a logout: %w", n.Client, err)
	}
	return nil
}
