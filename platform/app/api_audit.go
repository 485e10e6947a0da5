package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	wire "guildhall/sdk/go/api"
)

type auditInput struct {
	Actor   string    `query:"actor" maxLength:"200" doc:"Who did it, as a whole."`
	Action  string    `query:"action" maxLength:"100" doc:"What was done, as a whole." example:"backup.made"`
	Subject string    `query:"subject" maxLength:"200" doc:"What it was done to, as a whole."`
	Text    string    `query:"q" maxLength:"200" doc:"Looked for in every column."`
	Since   time.Time `query:"since" doc:"Not before this moment."`
	Until   time.Time `query:"until" doc:"Before this moment."`
	Before  int64     `query:"before" minimum:"0" doc:"The next of the page before."`
	Limit   int       `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
}

type auditVerifyInput struct{ Body wire.AuditVerifyRequest }

// auditAPI answers for the audit log of one service.
type auditAPI struct {
	*audit.Journal
	actions []string
}

// AuditOperations registers the operations of a service's audit log: list, verify,
// export. The actions are the service's own; those of the process come with them.
func AuditOperations(api huma.API, j *audit.Journal, actions []string) {
	a := auditAPI{j, slices.Sorted(slices.Values(slices.Concat(actions, audit.ProcessActions())))}
	tags := []string{"Audit log"}
	Register(api, huma.Operation{OperationID: "list-audit", Method: http.MethodGet, Path: "/api/v1/audit", Tags: tags,
		Summary: "List the audit log", Description: "Newest first."}, a.list)
	Register(api, huma.Operation{OperationID: "verify-audit", Method: http.MethodPost, Path: "/api/v1/audit/verify", Tags: tags,
		Summary: "Verify the audit log", Description: "Reads the whole log again and names every row that was changed, removed, inserted or moved. A damaged log is no error: ok is false."},
		a.verify)
	Register(api, huma.Operation{OperationID: "export-audit", Method: http.MethodGet, Path: "/api/v1/audit/export", Tags: tags,
		Summary:     "Export the audit log",
		Description: "JSON lines, oldest first, with the signed head as last line. An export without that line is incomplete."}, a.export)
}

func (a auditAPI) list(ctx context.Context, in *auditInput) (*Output[wire.AuditList], error) {
	if in.Action != "" && !slices.Contains(a.actions, in.Action) {
		return nil, fault.Fields(NotOneOf("action", in.Action, a.actions))
	}
	page, err := a.Audit.List(ctx, audit.Filter{Actor: in.Actor, Action: in.Action, Subject: in.Subject, Text: in.Text,
		Since: in.Since, Until: in.Until, Before: in.Before, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := &wire.AuditList{Entries: []wire.AuditEntry{}, Next: page.Next}
	for _, r := range page.Records {
		e, err := wireEntry(r)
		if err != nil {
			return nil, err
		}
		out.Entries = append(out.Entries, e)
	}
	return &Output[wire.AuditList]{Body: out}, nil
}

func (a auditAPI) verify(ctx context.Context, in *auditVerifyInput) (*Output[wire.AuditReport], error) {
	var kept []audit.Head
	if in.Body.Head != "" {
		head, err := audit.ParseHead(in.Body.Head, a.Audit.VerifierKey())
		if err != nil {
			return nil, fault.Fields(fault.Field{Name: "head", Code: "invalid_head",
				Detail: "This is not a head that this log has signed. Send the whole text that you kept, with its signature line."})
		}
		kept = append(kept, head)
	}
	r, err := a.Audit.Verify(ctx, kept...)
	if err != nil {
		return nil, err
	}
	out := &wire.AuditReport{OK: r.OK(), Rows: r.Rows, Count: r.Count, Head: r.Head.String(), Key: a.Audit.VerifierKey(), Findings: []wire.AuditFinding{}}
	for _, p := range r.Problems {
		out.Findings = append(out.Findings, wire.AuditFinding{Kind: string(p.Kind), First: p.First, Last: p.Last, Text: p.Text})
	}
	return &Output[wire.AuditReport]{Body: out}, nil
}

func (a auditAPI) export(context.Context, *struct{}) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/x-ndjson")
		ctx.SetHeader("Content-Disposition", `attachment; filename="audit.jsonl"`)
		ctx.SetHeader("Cache-Control", "no-store")
		if err := a.Audit.Export(ctx.Context(), ctx.BodyWriter()); err != nil {
			// The status is sent; the missing head tells the reader.
			a.Log.ErrorContext(ctx.Context(), "the export of the audit log was cut off", "err", err)
		}
	}}, nil
}

func wireEntry(r audit.Record) (wire.AuditEntry, error) {
	e := wire.AuditEntry{Seq: r.Seq, At: r.At, Actor: r.Actor, Action: r.Action, Subject: r.Subject, From: r.From}
	if len(r.Detail) == 0 {
		return e, nil
	}
	if err := json.Unmarshal(r.Detail, &e.Detail); err != nil {
		return e, fmt.Errorf("read the detail of audit row %d: %w", r.Seq, err)
	}
	return e, nil
}
