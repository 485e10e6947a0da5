package ca

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/profile"
	"guildhall/platform/app"
	"guildhall/platform/fault"
	wire "guildhall/sdk/go/ca"
)

type issueInput struct{ Body wire.IssueRequest }

type renewInput struct {
	ID   string `path:"id" maxLength:"100" doc:"Id or serial number of the certificate."`
	Body wire.RenewRequest
}

type revokeInput struct {
	ID   string `path:"id" maxLength:"100" doc:"Id or serial number of the certificate."`
	Body wire.RevokeRequest
}

type verifyInput struct{ Body wire.VerifyRequest }

func (s *service) issueOperations(api huma.API) {
	issue := huma.Operation{OperationID: "issue-certificate", Method: http.MethodPost, Path: "/api/v1/certificates", Tags: []string{"Certificates"},
		Summary: "Issue a certificate", DefaultStatus: http.StatusCreated, MaxBodyBytes: issueBody,
		Description: "From a CSR, whose private key stays with you, or for a name alone: then the authority makes the key and hands it over once. " +
			"Answers 201 with a new certificate, or 200 with an older one when reuse was asked for. " +
			"Error codes: invalid_fields (errors[].code: invalid_csr, weak_key, invalid_name, unknown_profile, key_compromised, out_of_range ...), clock_behind, disk_full."}
	register(api, issue, s.issue)
	issue.OperationID, issue.Path = "issue-certificate-alias", "/api/issue_certificate"
	issue.Summary, issue.Description = "Issue a certificate (short address)", "The same as POST /api/v1/certificates: send {\"common_name\": \"shop.example.com\"}."
	register(api, issue, s.issue)
	register(api, huma.Operation{OperationID: "renew-certificate", Method: http.MethodPost, Path: "/api/v1/certificates/{id}/renew", Tags: []string{"Certificates"},
		Summary: "Renew a certificate", DefaultStatus: http.StatusCreated, MaxBodyBytes: issueBody,
		Description: "Issues a successor with the same profile and names. Error codes: certificate_revoked, certificate_not_found, key_compromised (the key to be kept was revoked as compromised; ask for new_key or send a CSR)."},
		s.renew, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "revoke-certificate", Method: http.MethodPost, Path: "/api/v1/certificates/{id}/revoke", Tags: []string{"Certificates"}, Metadata: map[string]any{app.Loses: true},
		Summary: "Revoke a certificate",
		Description: "For good: there is no hold. Without a reason, as in {}, it is unspecified, and stays so. Answers when every connected service knows, or may no longer accept connections. " +
			"Repeating it is harmless. Error codes: already_revoked (for another reason), certificate_not_found, serial_not_whole (the beginning of a serial number is not enough)."},
		s.revoke, http.StatusNotFound, http.StatusConflict)
	verify := huma.Operation{OperationID: "verify-certificate", Method: http.MethodPost, Path: "/api/v1/verify", Tags: []string{"Certificates"},
		Summary: "Verify a certificate", MaxBodyBytes: issueBody,
		Description: "Checks signatures, validity, name constraints, key usage and revocation, and says which check failed and why. A certificate that is not good is no error: valid is false."}
	register(api, verify, s.verify, http.StatusNotFound)
	verify.OperationID, verify.Path = "verify-certificate-alias", "/api/verify_certificate"
	verify.Summary, verify.Description = "Verify a certificate (short address)", "The same as POST /api/v1/verify."
	register(api, verify, s.verify, http.StatusNotFound)
}

func (s *service) issue(ctx context.Context, in *issueInput) (*app.SecretOutput[wire.Issued], error) {
	r := in.Body
	if r.CSR != "" && r.KeyType != "" {
		return nil, fault.Fields(fault.Field{Name: "key_type", Code: "no_key", Detail: "With a CSR the key is the one in it. Leave key_type out."})
	}
	life, err := lifetime(r.Lifetime)
	if err != nil {
		return nil, err
	}
	issued, err := s.certificates.Issue(ctx, certificate.IssueRequest{Profile: r.Profile, CommonName: r.CommonName, Names: r.SANs, Lifetime: life,
		CSR: []byte(r.CSR), KeyType: profile.KeyType(r.KeyType), KeepKey: r.KeepKey, Reuse: r.Reuse, By: app.Caller(ctx)})
	if err != nil {
		return nil, err
	}
	status := http.StatusCreated
	if issued.Reused {
		status = http.StatusOK
	}
	return app.SecretAnswer(status, s.wireIssued(issued)), nil
}

func (s *service) renew(ctx context.Context, in *renewInput) (*app.SecretOutput[wire.Issued], error) {
	if in.Body.CSR != "" && in.Body.NewKey {
		return nil, fault.Fields(fault.Field{Name: "new_key", Code: "no_key", Detail: "With a CSR the new key is the one in it. Leave new_key out."})
	}
	life, err := lifetime(in.Body.Lifetime)
	if err != nil {
		return nil, err
	}
	issued, err := s.certificates.Renew(ctx, certificate.RenewRequest{ID: in.ID, CSR: []byte(in.Body.CSR), NewKey: in.Body.NewKey, Lifetime: life, By: app.Caller(ctx)})
	if err != nil {
		return nil, err
	}
	return app.SecretAnswer(http.StatusCreated, s.wireIssued(issued)), nil
}

func (s *service) revoke(ctx context.Context, in *revokeInput) (*app.Output[wire.Revoked], error) {
	done, err := s.certificates.Revoke(ctx, certificate.RevokeRequest{ID: in.ID, Reason: in.Body.Reason, By: app.Caller(ctx)})
	if err != nil {
		return nil, err
	}
	return &app.Output[wire.Revoked]{Body: s.wireRevoked(done)}, nil
}

func (s *service) verify(ctx context.Context, in *verifyInput) (*app.Output[wire.Verification], error) {
	v, err := s.certificates.Verify(ctx, certificate.VerifyRequest{PEM: in.Body.Certificate, Name: in.Body.CommonName, By: app.Caller(ctx)})
	if err != nil {
		return nil, err
	}
	return &app.Output[wire.Verification]{Body: s.wireVerification(v)}, nil
}
