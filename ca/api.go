package ca

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/ca/internal/journal"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/ca"
)

// issueBody bounds what has a CSR and a hundred long names, in bytes.
const issueBody = 256 << 10

// operations registers the REST API. The types of the wire are those of the Go
// client, so that the two cannot differ.
func (s *service) operations(api huma.API) {
	s.issueOperations(api)
	s.certificateOperations(api)
	s.tokenOperations(api)
	app.AuditOperations(api, s.journal, journal.Actions())
	app.Register(api, huma.Operation{OperationID: "get-roots", Method: http.MethodGet, Path: "/api/v1/roots", Tags: []string{"Authority"},
		Summary:     "What to trust",
		Description: "The root certificate, its fingerprint, and the certificate that signs day to day. Anybody may read it.",
		Metadata:    map[string]any{app.Public: true}}, s.getRoots)
}

func (s *service) getRoots(context.Context, *struct{}) (*app.Output[wire.Authority], error) {
	return &app.Output[wire.Authority]{Body: s.wireAuthority()}, nil
}

// fileOutput is an answer that is a file.
type fileOutput struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	CacheControl       string `header:"Cache-Control"`
	Body               []byte
}

func attachment(name, contentType string, data []byte) *fileOutput {
	return &fileOutput{ContentType: contentType, ContentDisposition: `attachment; filename="` + name + `"`, CacheControl: "no-store", Body: data}
}
