package ca

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// Certificate is a certificate as the authority keeps it.
type Certificate struct {
	ID         string   `json:"id" doc:"Stable id." example:"crt_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Serial     string   `json:"serial" doc:"Serial number, 32 hexadecimal digits." example:"9f86d081884c7d659a2feaa0c55ad015"`
	Profile    string   `json:"profile" doc:"Kind of certificate." example:"server"`
	Status     string   `json:"status" enum:"valid,expiring,expired,revoked" doc:"State at the moment of the answer."`
	CommonName string   `json:"common_name" doc:"Common name; empty when every name is too long for one." example:"shop.example.com"`
	SANs       []string `json:"sans" nullable:"false" doc:"Alternative names, each with its kind." example:"[\"dns:shop.example.com\"]"`
	KeyType    string   `json:"key_type" doc:"Algorithm and size of the key." example:"ecdsa-p256"`
	KeyID      string   `json:"key_id" doc:"SHA-256 of the public key (SubjectPublicKeyInfo) in hexadecimal digits."`
	KeyMade    bool     `json:"key_made" doc:"The authority made the private key."`
	// Requester is who asked for it.
	Requester string     `json:"requester" doc:"Who asked for it." example:"break-glass:ses_1"`
	IssuedAt  time.Time  `json:"issued_at" doc:"When it was issued."`
	NotBefore time.Time  `json:"not_before" doc:"When its validity begins."`
	NotAfter  time.Time  `json:"not_after" doc:"The last second of its validity."`
	RenewAt   time.Time  `json:"renew_at" doc:"From when it counts as expiring: a good moment to renew it."`
	Renews    string     `json:"renews,omitempty" doc:"Id of its predecessor."`
	RenewedBy string     `json:"renewed_by,omitempty" doc:"Id of its successor."`
	RevokedAt *time.Time `json:"revoked_at,omitempty" doc:"When it was revoked."`
	Reason    string     `json:"reason,omitempty" doc:"Why it was revoked (RFC 5280, section 5.3.1)." example:"keyCompromise"`
	PEM       string     `json:"pem" doc:"The certificate in PEM."`
}

// IssueRequest asks for a certificate. Without a CSR the authority makes the
// key and hands it over in the answer, once.
type IssueRequest struct {
	CommonName string   `json:"common_name,omitempty" maxLength:"2000" doc:"Name to certify. A host name, address or e-mail address becomes an alternative name too. Without common_name and sans those of the CSR are taken; with either, the CSR's names do not count." example:"shop.example.com"`
	SANs       []string `json:"sans,omitempty" nullable:"false" maxItems:"100" doc:"Alternative names; a kind before the name (dns:, ip:, email:, uri:) may be left out where it is plain." example:"[\"www.example.com\",\"10.0.0.7\"]"`
	Profile    string   `json:"profile,omitempty" doc:"server (default), client or user." example:"server"`
	Lifetime   string   `json:"lifetime,omitempty" doc:"How long it lives: a number and a unit (m, h, d). Default and maximum depend on the profile." example:"90d"`
	CSR        string   `json:"csr,omitempty" maxLength:"32768" doc:"PKCS #10 request in PEM. The private key stays with you. Its names are certified only where neither common_name nor sans is given."`
	KeyType    string   `json:"key_type,omitempty" doc:"Without a CSR: ecdsa-p256 (default), ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096." example:"ecdsa-p256"`
	KeepKey    bool     `json:"keep_key,omitempty" doc:"Without a CSR: keep the private key, encrypted, for later PKCS #12 downloads. Only where ca.keep_keys is set."`
	Reuse      bool     `json:"reuse,omitempty" doc:"Return a valid certificate for the same profile and names (and key, with a CSR) that is not expiring yet, instead of a new one. The private key is not in the answer then."`
}

// Issued is a new certificate, or one that was reused.
type Issued struct {
	Certificate Certificate `json:"certificate"`
	Chain       string      `json:"chain" doc:"The certificate and the issuing certificate in PEM: what a TLS server sends."`
	PrivateKey  string      `json:"private_key,omitempty" doc:"The private key (PKCS #8, PEM) if the authority made it. It is in no later answer."`
	Reused      bool        `json:"reused" doc:"It was issued before."`
}

// RenewRequest asks for a successor with the same profile and names. Without a
// CSR the key stays the same, unless the authority made it or NewKey is set.
type RenewRequest struct {
	CSR      string `json:"csr,omitempty" maxLength:"32768" doc:"PKCS #10 request in PEM with the key of the successor; its names, if any, must be among the certificate's."`
	NewKey   bool   `json:"new_key,omitempty" doc:"Have the authority make a new key."`
	Lifetime string `json:"lifetime,omitempty" doc:"How long it lives; by default as long as its predecessor." example:"90d"`
}

// RevokeRequest asks to revoke a certificate for good.
type RevokeRequest struct {
	Reason string `json:"reason,omitempty" doc:"unspecified (default), keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn or aACompromise (RFC 5280, section 5.3.1)." example:"keyCompromise"`
}

// Revoked is the outcome of a revocation.
type Revoked struct {
	Certificate  Certificate `json:"certificate"`
	Already      bool        `json:"already" doc:"It was revoked before, for the same reason."`
	Announced    bool        `json:"announced" doc:"All connected services know. If false the revocation stands all the same; they learn it when they reach the authority, and refuse connections while they cannot."`
	Peers        int         `json:"peers" doc:"Services that were connected."`
	Acknowledged int         `json:"acknowledged" doc:"Services that confirmed it."`
	Lapsed       []string    `json:"lapsed" nullable:"false" doc:"Services that did not confirm and whose lease has ended: they refuse all connections for now."`
	Milliseconds float64     `json:"milliseconds" doc:"Time until the last of them confirmed."`
}

// VerifyRequest asks whether a certificate is good.
type VerifyRequest struct {
	Certificate string `json:"certificate,omitempty" maxLength:"65536" doc:"Certificate in PEM."`
	CommonName  string `json:"common_name,omitempty" maxLength:"2000" doc:"Without certificate: verify the newest one with this common name (or id, or serial number). With it: the name for which it must be good." example:"shop.example.com"`
}

// Check is one check of a verification.
type Check struct {
	Name   string `json:"name" enum:"chain,validity,name_constraints,key_usage,revocation,name" doc:"What was checked."`
	OK     bool   `json:"ok" doc:"Whether it passed."`
	Status string `json:"status" enum:"passed,failed,skipped" doc:"Skipped: it could not be made, because of what another check found; ok is false then."`
	Detail string `json:"detail" doc:"What was found."`
}

// Verification is the outcome of all checks.
type Verification struct {
	Valid       bool         `json:"valid" doc:"Every check passed."`
	Checks      []Check      `json:"checks" nullable:"false"`
	Subject     string       `json:"subject" doc:"Subject of the certificate." example:"CN=shop.example.com"`
	Certificate *Certificate `json:"certificate,omitempty" doc:"The authority's record, if it has one."`
}

// ListRequest chooses certificates; its zero value means all, newest first.
type ListRequest struct {
	// Text is looked for in serial number, profile and names.
	Text string
	// Status is "valid", "expiring", "expired", "revoked" or empty.
	Status  string
	Profile string
	// Sort is "issued_at", "not_after", "common_name" or, for revoked ones,
	// "revoked_at"; empty is what suits the status. Order is "desc" (default) or
	// "asc".
	Sort, Order string
	// Cursor is the Next of the page before.
	Cursor string
	// Limit is the size of a page, at most 500; 0 means 50.
	Limit int
}

// CertificateList is one page of certificates.
type CertificateList struct {
	Certificates []Certificate `json:"certificates" nullable:"false"`
	Next         string        `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

// PKCS12Request asks for a certificate, its chain and its key in one file.
type PKCS12Request struct {
	Password   string `json:"password,omitempty" maxLength:"1000" doc:"Encrypts the file; at least 8 characters."`
	PrivateKey string `json:"private_key,omitempty" maxLength:"32768" doc:"The private key in PEM, unless the authority keeps it."`
}

// The forms of a download.
const (
	FormatPEM   = "pem"
	FormatChain = "chain"
	FormatDER   = "der"
)

// Issue issues a certificate.
func (c *Client) Issue(ctx context.Context, r IssueRequest) (*Issued, error) {
	return api.Call[Issued](ctx, c.Client, http.MethodPost, "certificates", r)
}

// List reads one page of certificates.
func (c *Client) List(ctx context.Context, r ListRequest) (*CertificateList, error) {
	q := api.Query(map[string]string{"q": r.Text, "status": r.Status, "profile": r.Profile, "sort": r.Sort, "order": r.Order, "cursor": r.Cursor}, map[string]int{"limit": r.Limit})
	return api.Call[CertificateList](ctx, c.Client, http.MethodGet, "certificates?"+q.Encode(), nil)
}

// Get reads a certificate by id or serial number, or by at least its first 8
// digits if no other begins so.
func (c *Client) Get(ctx context.Context, id string) (*Certificate, error) {
	return api.Call[Certificate](ctx, c.Client, http.MethodGet, "certificates/"+url.PathEscape(id), nil)
}

// Renew issues a successor of the certificate with the id or the whole serial
// number.
func (c *Client) Renew(ctx context.Context, id string, r RenewRequest) (*Issued, error) {
	return api.Call[Issued](ctx, c.Client, http.MethodPost, "certificates/"+url.PathEscape(id)+"/renew", r)
}

// Revoke revokes the certificate with the id or the whole serial number, and
// returns when every connected service knows.
func (c *Client) Revoke(ctx context.Context, id string, r RevokeRequest) (*Revoked, error) {
	return api.Call[Revoked](ctx, c.Client, http.MethodPost, "certificates/"+url.PathEscape(id)+"/revoke", r)
}

// Verify checks a certificate.
func (c *Client) Verify(ctx context.Context, r VerifyRequest) (*Verification, error) {
	return api.Call[Verification](ctx, c.Client, http.MethodPost, "verify", r)
}

// Download reads a certificate, found like Get, in a form: FormatPEM, FormatChain or FormatDER.
func (c *Client) Download(ctx context.Context, id, format string) ([]byte, error) {
	return c.Bytes(ctx, http.MethodGet, "certificates/"+url.PathEscape(id)+"/download?format="+url.QueryEscape(format), nil)
}

// PKCS12 reads a certificate, its chain and its private key as one file.
func (c *Client) PKCS12(ctx context.Context, id string, r PKCS12Request) ([]byte, error) {
	return c.Bytes(ctx, http.MethodPost, "certificates/"+url.PathEscape(id)+"/pkcs12", r)
}
