package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"

	"guildhall/platform/fault"
)

// ErrNotRunning says that no process serves the data directory.
var ErrNotRunning = fault.New(fault.Unavailable, "not_running", "No guildhall runs on this data directory.")

// controlURL is a made-up host: the transport goes to the socket whatever it is.
const controlURL = "http://guildhall.control"

// Client talks to a running process through the control socket of its data
// directory.
type Client struct {
	http *http.Client
	dir  string
}

// Dial checks that a process answers on the directory; the error is
// ErrNotRunning when none does.
func Dial(ctx context.Context, dir string) (*Client, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		path, release, err := socketPath(dir)
		if err != nil {
			return nil, err
		}
		defer release()
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	conn, err := dial(ctx, "", "")
	if err != nil {
		return nil, fault.New(ErrNotRunning.Kind, ErrNotRunning.Code,
			"No guildhall runs on %s. Start it with \"guildhall serve --data %s\".", dir, dir).Because(err)
	}
	_ = conn.Close()
	return &Client{http: &http.Client{Transport: &http.Transport{DialContext: dial}}, dir: dir}, nil
}

// Do sends body as JSON (nil: none) and reads the answer into out (nil: drop
// it). A refusal comes back as a fault.Problem.
func (c *Client) Do(ctx context.Context, method, path string, body, out any) error {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, controlURL+path, in)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("ask the running guildhall: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	return decode(resp, out)
}

func decode(resp *http.Response, out any) error {
	if resp.StatusCode >= http.StatusBadRequest {
		var p fault.Problem
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
			return fmt.Errorf("the running guildhall answered %s", resp.Status)
		}
		return p
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// Service is the base URL and the HTTP client of a service's API through the
// socket, for the packages under sdk/go.
func (c *Client) Service(name string) (baseURL string, client *http.Client) {
	return controlURL + "/services/" + name, c.http
}

// Close drops the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }
