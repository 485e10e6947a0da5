package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Options say how to reach a service.
type Options struct {
	// URL is the address of its host, "https://ca.guildhall.example".
	URL string
	// Token is an API token; empty sends none.
	Token string
	// Roots are the roots to trust; nil are the system's. They are not used when
	// HTTP is given.
	Roots *x509.CertPool
	// HTTP sends the requests; nil is a client of its own with Timeout.
	HTTP *http.Client
	// Timeout bounds a request; 0 means a minute. A revocation waits for other
	// services, up to their lease.
	Timeout time.Duration
}

// Client calls a service. It is safe for concurrent use.
type Client struct {
	base, token string
	http        *http.Client
}

const (
	defaultTimeout = time.Minute
	// maxAnswer bounds an answer that is read into memory, in bytes.
	maxAnswer = 16 << 20
)

// New makes a client.
func New(o Options) *Client {
	c := &Client{base: strings.TrimSuffix(o.URL, "/") + "/api/v1/", token: o.Token, http: o.HTTP}
	if c.http == nil {
		if o.Timeout == 0 {
			o.Timeout = defaultTimeout
		}
		c.http = &http.Client{Timeout: o.Timeout, Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 32,
			IdleConnTimeout: 90 * time.Second,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: o.Roots},
		}}
	}
	return c
}

// Problem is an error of a service: a problem document (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	// Detail says what was wrong and what to do.
	Detail string `json:"detail"`
	// Code is stable: "certificate_not_found".
	Code string `json:"code"`
	// Fields are the wrong parts of the request.
	Fields []Field `json:"errors"`
	// RequestID finds the request in the service's log.
	RequestID string `json:"request_id"`
	// RetryAfter is how long to wait before trying again; 0 is not said.
	RetryAfter time.Duration `json:"-"`
}

// Field is one wrong part of a request.
type Field struct {
	Name   string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Error is the detail.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("the service answered %d %s", p.Status, p.Title)
	}
	return p.Detail
}

// Call sends a request to a path under /api/v1/ and reads the answer's JSON. A
// nil body sends none.
func Call[T any](ctx context.Context, c *Client, method, path string, body any) (*T, error) {
	data, err := c.Bytes(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	var answer T
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("read the service's answer: %w", err)
	}
	return &answer, nil
}

// Bytes sends a request like Call and returns the answer as it is.
func (c *Client) Bytes(ctx context.Context, method, path string, body any) ([]byte, error) {
	answer, err := c.send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the service's answer: %w", err)
	}
	if len(data) > maxAnswer {
		return nil, fmt.Errorf("the service's answer is larger than %d bytes", maxAnswer)
	}
	return data, nil
}

// Upload sends content of a media type, of size bytes, and reads the answer's JSON. The
// client's Timeout does not bound it.
func Upload[T any](ctx context.Context, c *Client, path, mediaType string, content io.Reader, size int64) (*T, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, content)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	if r.ContentLength = size; size == 0 {
		r.Body = http.NoBody // else it would be sent as one of unknown length
	}
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	long := *c.http
	long.Timeout = 0
	answer, err := c.do(&long, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	var done T
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&done); err != nil {
		return nil, fmt.Errorf("read the service's answer: %w", err)
	}
	return &done, nil
}

// send returns an answer of success, whose body the caller closes.
func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		content = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.do(c.http, r)
}

func (c *Client) do(by *http.Client, r *http.Request) (*http.Response, error) {
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := by.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the service: %w", err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		defer func() { _ = answer.Body.Close() }()
		return nil, problem(answer)
	}
	return answer, nil
}

// problem reads an error, also from something between us and the service
// that does not speak of problems.
func problem(answer *http.Response) error {
	p := &Problem{Status: answer.StatusCode, Title: http.StatusText(answer.StatusCode)}
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") {
		err = json.Unmarshal(data, p)
	}
	if err != nil {
		return fmt.Errorf("read the service's error %d: %w", answer.StatusCode, err)
	}
	if wait, err := time.ParseDuration(answer.Header.Get("Retry-After") + "s"); err == nil {
		p.RetryAfter = wait
	}
	return p
}
