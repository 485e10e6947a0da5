package ca

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/ca/internal/journal"
	"guildhall/platform/app"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	wire "guildhall/sdk/go/ca"
)

type auditInput struct {
	Actor   string    `query:"actor" maxLength:"200" doc:"Who did it, as a whole."`
	Action  string    `query:"action" maxLength:"100" doc:"What was done, as a whole." example:"certificate.issued"`
	Subject string    `query:"subject" maxLength:"200" doc:"What it was done to, as a whole."`
	Text    string    `query:"q" maxLength:"200" doc:"Looked for in every column."`
	Since   time.Time `query:"since" doc:"Not before this moment."`
	Until   time.Time `query:"until" doc:"Before this moment."`
	Before  int64     `query:"before" minimum:"0" doc:"The next of the page before."`
	Limit   int       `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
}

type auditVerifyInput struct{ Body wire.AuditVerifyRequest }

func (s *service) auditOperations(api huma.API) {
	tags := []string{"Audit log"}
	register(api, huma.Operation{OperationID: "list-audit", Method: http.MethodGet, Path: "/api/v1/audit", Tags: tags,
		Summary: "List the audit log", Description: "Newest first."}, s.listAudit)
	register(api, huma.Operation{OperationID: "verify-audit", Method: http.MethodPost, Path: "/api/v1/audit/verify", Tags: tags,
		Summary: "Verify the audit log", Description: "Reads the whole log again and names every row that was changed, removed, inserted or moved. A damaged log is no error: ok is false."},
		s.verifyAudit)
	register(api, huma.Operation{OperationID: "export-audit", Method: http.MethodGet, Path: "/api/v1/audit/export", Tags: tags,
		Summary:     "Export the audit log",
		Description: "JSON lines, oldest first, with the signed head as last line. An export without that line is incomplete."}, s.exportAudit)
}

func (s *service) listAudit(ctx context.Context, in *auditInput) (*output[wire.AuditList], error) {
	known := slices.Sorted(slices.Values(slices.Concat(journal.Actions(), audit.ProcessActions())))
	if in.Action != "" && !slices.Contains(known, in.Action) {
		return nil, fault.Fields(app.NotOneOf("action", in.Action, known))
	}
	page, err := s.audit.List(ctx, audit.Filter{Actor: in.Actor, Action: in.Action, Subject: in.Subject, Text: in.Text,
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
	return &output[wire.AuditList]{Body: out}, nil
}

func (s *service) verifyAudit(ctx context.Context, in *auditVerifyInput) (*output[wire.AuditReport], error) {
	var kept []audit.Head
	if in.Body.Head != "" {
		head, err := audit.ParseHead(in.Body.Head, s.audit.VerifierKey())
		if err != nil {
			return nil, fault.Fields(fault.Field{Name: "head", Code: "invalid_head",
				Detail: "This is not a head that this log has signed. Send the whole text that you kept, with its signature line."})
		}
		kept = append(kept, head)
	}
	report, err := s.audit.Verify(ctx, kept...)
	if err != nil {
		return nil, err
	}
	return &output[wire.AuditReport]{Body: s.wireReport(report)}, nil
}

func (s *service) exportAudit(context.Context, *struct{}) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/x-ndjson")
		ctx.SetHeader("Content-Disposition", `attachment; filename="audit.jsonl"`)
		ctx.SetHeader("Cache-Control", "no-store")
		if err := s.audit.Export(ctx.Context(), ctx.BodyWriter()); err != nil {
			// The status is sent; the missing head tells the reader.
			s.log.ErrorContext(ctx.Context(), "the export of the audit log was cut off", "err", err)
		}
	}}, nil
}
