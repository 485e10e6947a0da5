package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// patience is how long identity may take to answer.
	patience = 10 * time.Second
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 256 << 10
)

// errOver says that what a sign-in hangs on is over at identity.
var errOver = errors.New("the grant is over at identity")

// register tells identity of this service, which makes it an application there or
// finds that nothing has changed. It is asked at each sign-in: so there is no order
// in which the services have to start, and nothing to keep.
func (d *Desk) register(ctx context.Context) (app Application, err error) {
	body, err := json.Marshal(Registration{URL: d.o.URL})
	if err != nil {
		return app, fmt.Errorf("register at identity: %w", err)
	}
	status, err := d.call(ctx, http.MethodPost, RegisterPath, "application/json", body, &app)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return app, fmt.Errorf("register at identity: %w", err)
	}
	return app, nil
}

// person is whom a grant is of. The error is errOver when there is nobody any more.
func (d *Desk) person(ctx context.Context, grant string) (p Person, err error) {
	err = d.grant(ctx, http.MethodGet, grant, &p)
	return p, err
}

// endAt ends identity's session that the grant was begun in, and with it the
// person's sessions at all services.
func (d *Desk) endAt(ctx context.Context, grant string) error {
	err := d.grant(ctx, http.MethodPost, grant, nil)
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

func (d *Desk) grant(ctx context.Context, method, grant string, answer any) error {
	status, err := d.call(ctx, method, GrantPath+url.PathEscape(grant), "", nil, answer)
	switch {
	case err != nil:
		return fmt.Errorf("ask identity for a grant: %w", err)
	case status == http.StatusNotFound:
		return errOver
	case status != http.StatusOK && status != http.StatusNoContent:
		return fmt.Errorf("ask identity for a grant: status %d", status)
	}
	return nil
}

func (d *Desk) form(ctx context.Context, path string, values url.Values, answer any) (status int, err error) {
	return d.call(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", []byte(values.Encode()), answer)
}

// call reads an answer in JSON, unless it has no body.
func (d *Desk) call(ctx context.Context, method, path, kind string, body []byte, answer any) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, d.o.IdentityURL+path, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("call %s: %w", path, err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := d.o.Identity.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, fmt.Errorf("read the answer of %s: %w", path, err)
	}
	if answer == nil || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		return res.StatusCode, nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return 0, fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return res.StatusCode, nil
}
