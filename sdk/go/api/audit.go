package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// AuditEntry is one row of the audit log.
type AuditEntry struct {
	Seq     int64          `json:"seq" doc:"Number of the row, from 0."`
	At      time.Time      `json:"at"`
	Actor   string         `json:"actor" doc:"Who did it. For one with a name, such as a token, that is actor_name in the detail." example:"break-glass:bgc_1"`
	Action  string         `json:"action" doc:"What was done." example:"certificate.issued"`
	Subject string         `json:"subject" doc:"What it was done to."`
	From    string         `json:"from" doc:"Network address that it came from; empty inside the process."`
	Detail  map[string]any `json:"detail,omitempty"`
}

// AuditRequest chooses rows of the audit log; its zero value means the newest.
type AuditRequest struct {
	Actor, Action, Subject, Text string
	// Since (inclusive) and Until (exclusive) bound the time; zero is open.
	Since, Until time.Time
	// Before continues a list: the Next of the page before.
	Before int64
	// Limit is the size of a page, at most 500; 0 means 50.
	Limit int
}

// AuditList is one page of the log, newest first.
type AuditList struct {
	Entries []AuditEntry `json:"entries" nullable:"false"`
	Next    int64        `json:"next,omitempty" doc:"The before of the next page; absent on the last."`
}

// AuditVerifyRequest asks to verify the whole log.
type AuditVerifyRequest struct {
	// Head is a signed head that was kept elsewhere, or empty.
	Head string `json:"head,omitempty" maxLength:"4096" doc:"Signed head that you kept: the log must continue it. This finds a log that was put back to an older state."`
}

// AuditFinding is something wrong with the log.
type AuditFinding struct {
	Kind  string `json:"kind" doc:"changed, removed, inserted, moved, truncated, bad_hashes, bad_head or rolled_back."`
	First int64  `json:"first" doc:"First row concerned; -1 if none."`
	Last  int64  `json:"last"`
	Text  string `json:"text"`
}

// AuditReport is the outcome of a verification.
type AuditReport struct {
	OK       bool           `json:"ok"`
	Rows     int64          `json:"rows"`
	Count    int            `json:"count" doc:"Number of findings; the first 1000 are listed."`
	Findings []AuditFinding `json:"findings" nullable:"false"`
	Head     string         `json:"head" doc:"The newest signed head. Keep it elsewhere."`
	Key      string         `json:"key" doc:"Verifier key of the heads."`
}

// Audit reads one page of the audit log.
func (c *Client) Audit(ctx context.Context, r AuditRequest) (*AuditList, error) {
	q := Query(map[string]string{"actor": r.Actor, "action": r.Action, "subject": r.Subject, "q": r.Text},
		map[string]int64{"before": r.Before, "limit": int64(r.Limit)})
	for name, t := range map[string]time.Time{"since": r.Since, "until": r.Until} {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	return Call[AuditList](ctx, c, http.MethodGet, "audit?"+q.Encode(), nil)
}

// VerifyAudit verifies the whole audit log.
func (c *Client) VerifyAudit(ctx context.Context, r AuditVerifyRequest) (*AuditReport, error) {
	return Call[AuditReport](ctx, c, http.MethodPost, "audit/verify", r)
}

// ExportAudit writes the whole audit log as JSON lines, with its signed head at
// the end. A log without that last line is incomplete.
func (c *Client) ExportAudit(ctx context.Context, w io.Writer) error {
	answer, err := c.send(ctx, http.MethodGet, "audit/export", nil)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(w, answer.Body); err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	return nil
}
