package ca

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/store"
	"guildhall/platform/app"
	"guildhall/platform/fault"
	wire "guildhall/sdk/go/ca"
)

type listInput struct {
	Text    string `query:"q" maxLength:"200" doc:"Looked for in serial number, profile and names; of a certificate with very many names, in the first of them." example:"shop"`
	Status  string `query:"status" enum:"valid,expiring,expired,revoked" doc:"State. Valid contains expiring."`
	Profile string `query:"profile" maxLength:"40" doc:"Kind of certificate: client, ocsp, server, service or user." example:"server"`
	Sort    string `query:"sort" enum:"issued_at,not_after,common_name,revoked_at" doc:"Order; by default issued_at, not_after for expiring (soonest first) and expired ones, revoked_at for revoked ones. revoked_at lists revoked ones only."`
	Order   string `query:"order" enum:"desc,asc" doc:"Direction; desc by default."`
	Cursor  string `query:"cursor" maxLength:"4000" doc:"The next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
}

type lookupInput struct {
	ID string `path:"id" maxLength:"100" doc:"Id or serial number, or at least its first 8 digits if no other begins so."`
}

type downloadInput struct {
	ID     string `path:"id" maxLength:"100" doc:"Id or serial number, or at least its first 8 digits if no other begins so."`
	Format string `query:"format" enum:"pem,chain,der" default:"pem" doc:"pem: the certificate; chain: with the issuing certificate, what a TLS server sends; der: the certificate in binary."`
}

type bundleInput struct {
	ID   string `path:"id" maxLength:"100" doc:"Id or serial number."`
	Body wire.PKCS12Request
}

func (s *service) certificateOperations(api huma.API) {
	tags := []string{"Certificates"}
	register(api, huma.Operation{OperationID: "list-certificates", Method: http.MethodGet, Path: "/api/v1/certificates", Tags: tags,
		Summary: "List certificates", Description: "Searches, filters and sorts. Follow next for the next page; a page costs the same however far it is. Error code: invalid_cursor."},
		s.list, http.StatusBadRequest)
	register(api, huma.Operation{OperationID: "get-certificate", Method: http.MethodGet, Path: "/api/v1/certificates/{id}", Tags: tags,
		Summary: "Read a certificate", Description: "Error codes: certificate_not_found, serial_ambiguous (detail lists those that begin so)."},
		s.get, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "download-certificate", Method: http.MethodGet, Path: "/api/v1/certificates/{id}/download", Tags: tags,
		Summary: "Download a certificate", Description: "Error codes: certificate_not_found, serial_ambiguous (detail lists those that begin so)."}, s.download, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "download-pkcs12", Method: http.MethodPost, Path: "/api/v1/certificates/{id}/pkcs12", Tags: tags, MaxBodyBytes: issueBody,
		Summary: "Download certificate, chain and key as one PKCS #12 file", Description: "With the private key that you send, or the one that the authority keeps; such an export is in the audit log."},
		s.pkcs12, http.StatusNotFound)
}

func (s *service) list(ctx context.Context, in *listInput) (*app.Output[wire.CertificateList], error) {
	if known := s.certificates.Profiles.Names(); in.Profile != "" && !slices.Contains(known, in.Profile) {
		return nil, fault.Fields(app.NotOneOf("profile", in.Profile, known))
	}
	page, err := s.certificates.List(ctx, store.Filter{Text: in.Text, Status: in.Status, Profile: in.Profile, Sort: in.Sort,
		Ascending: in.Order == "asc", Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := &wire.CertificateList{Certificates: []wire.Certificate{}, Next: page.Next}
	for _, r := range page.Records {
		out.Certificates = append(out.Certificates, s.wireCertificate(r))
	}
	return &app.Output[wire.CertificateList]{Body: out}, nil
}

func (s *service) get(ctx context.Context, in *lookupInput) (*app.Output[wire.Certificate], error) {
	r, err := s.certificates.Lookup(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	c := s.wireCertificate(r)
	return &app.Output[wire.Certificate]{Body: &c}, nil
}

func (s *service) download(ctx context.Context, in *downloadInput) (*fileOutput, error) {
	r, err := s.certificates.Lookup(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	switch in.Format {
	case wire.FormatDER:
		return attachment(r.Serial+".cer", "application/pkix-cert", r.DER), nil
	case wire.FormatChain:
		return attachment(r.Serial+"-chain.pem", "application/x-pem-file", []byte(certificate.PEM(s.certificates.Chain(r)...))), nil
	}
	return attachment(r.Serial+".pem", "application/x-pem-file", []byte(certificate.PEM(r.DER))), nil
}

func (s *service) pkcs12(ctx context.Context, in *bundleInput) (*fileOutput, error) {
	if in.Body.PrivateKey == "" { // the key that is kept
		if err := recent().Check(ctx, s.now()); err != nil {
			return nil, err
		}
	}
	data, err := s.certificates.PKCS12(ctx, certificate.BundleRequest{ID: in.ID, Password: in.Body.Password, KeyPEM: in.Body.PrivateKey, By: app.Caller(ctx)})
	if err != nil {
		return nil, err
	}
	return attachment("certificate.p12", "application/x-pkcs12", data), nil
}
