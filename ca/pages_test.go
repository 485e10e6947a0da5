package ca

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"html"
	"math/big"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	views "guildhall/ca/web"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/i18n"
)

func TestPagesInEveryLanguage(t *testing.T) {
	t.Parallel()
	v := visit(t)
	made := v.issued(t, certificate.IssueRequest{CommonName: "shop.example.com", Names: []string{"10.0.0.7"}})
	gone := v.issued(t, certificate.IssueRequest{CommonName: "old.example.com"})
	v.submit(t, views.URL(gone)+"/revoke", "reason", "superseded").wants(t, http.StatusSeeOther)
	paths := []string{"/", "/certificates", "/certificates?status=revoked&sort=not_after", "/certificates?q=nothing-like-it", "/certificates/new",
		"/certificates/new?key=made", views.URL(made), views.URL(gone), "/certificates/" + made.Serial, views.URL(made) + "/renew",
		views.URL(made) + "/pkcs12", "/verify", "/revocations", "/tokens", "/audit", "/audit?action=certificate.issued", "/trust"}
	for _, system := range views.Systems() {
		paths = append(paths, "/trust?on="+system)
	}
	leaked := regexp.MustCompile(`>\s*(?:ca|web|fault)\.[a-z_.]+\s*<|&lt;no value|<no value`)
	for _, l := range i18n.Languages() {
		v.Lang = l.Code
		for _, path := range paths {
			a := v.get(t, path)
			a.wants(t, http.StatusOK, `<html lang="`+l.Code+`"`)
			if key := leaked.FindString(a.Text); key != "" {
				t.Errorf("%s in %s shows %q", path, l.Code, key)
			}
		}
	}
}

func TestPagesRefuseStrangers(t *testing.T) {
	t.Parallel()
	v := visit(t)
	made := v.issued(t, certificate.IssueRequest{CommonName: "shop.example.com"})
	v.Anonymous = true
	for _, path := range []string{"/", "/certificates", "/certificates/new", views.URL(made), views.URL(made) + "/download/pem", views.URL(made) + "/pkcs12",
		views.URL(made) + "/renew", "/verify", "/revocations", "/tokens", "/audit", "/audit/export"} {
		a := v.get(t, path)
		a.wants(t, http.StatusUnauthorized)
		if strings.Contains(a.Text, "shop.example.com") {
			t.Errorf("%s tells a stranger of the certificate", path)
		}
	}
	for _, path := range []string{"/certificates/new", views.URL(made) + "/revoke", views.URL(made) + "/renew", views.URL(made) + "/pkcs12",
		views.URL(made) + "/key", "/verify", "/tokens", "/audit/verify"} {
		v.submit(t, path, "reason", "superseded").wants(t, http.StatusUnauthorized)
	}
	v.get(t, "/trust").wants(t, http.StatusOK, "http://ca.guild.example.test/ca/root.pem")
	if still, err := v.certificates.Get(t.Context(), made.ID); err != nil || still.Revoked() {
		t.Errorf("a stranger revoked the certificate: %v", err)
	}
}

func TestFormsKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	v := visit(t)
	a := v.submit(t, "/certificates/new?key=made", "profile", "server", "common_name", "not a name", "sans", "a.example.com\nb.*.example.com",
		"lifetime", "900", "unit", "days", "key_type", "ed25519", "reuse", "on")
	a.wants(t, http.StatusUnprocessableEntity, `value="not a name"`, "b.*.example.com", `value="900"`, `<option value="ed25519" selected`,
		"from 1 to 398", `href="#f-lifetime"`)
	a = v.submit(t, "/certificates/new?key=made", "profile", "server", "common_name", "not a name", "sans", "b.*.example.com", "unit", "days", "key_type", "ed25519")
	a.wants(t, http.StatusUnprocessableEntity, `id="f-common_name-error"`, `id="f-sans-error"`)
	v.submit(t, "/certificates/new", "profile", "server", "unit", "days").wants(t, http.StatusUnprocessableEntity, `id="f-csr-error"`)
	v.submit(t, "/certificates/new", "profile", "server", "unit", "days", "csr", "hello").wants(t, http.StatusUnprocessableEntity, `id="f-csr-error"`, "hello")
	v.submit(t, "/certificates/new?key=made", "profile", "nothing", "common_name", "a.example.com", "unit", "days", "key_type", "rsa-12").
		wants(t, http.StatusUnprocessableEntity, `id="f-key_type-error"`, `value="a.example.com"`)
	v.submit(t, "/tokens", "service", "Not One", "lifetime", "1h0m0s").wants(t, http.StatusUnprocessableEntity, `id="new-service-error"`, `value="Not One"`, "identity, bank, shop, license, deploy, chat")
	v.submit(t, "/verify", "name", "nobody.example.com").wants(t, http.StatusUnprocessableEntity, `id="f-name-error"`, `value="nobody.example.com"`)
	v.submit(t, "/verify", "certificate", "garbage").wants(t, http.StatusUnprocessableEntity, `id="f-certificate-error"`, "garbage")
	v.submit(t, "/audit/verify", "head", "garbage").wants(t, http.StatusUnprocessableEntity, `id="f-head-error"`, "garbage")
	v.submit(t, "/certificates/new", "profile", "server", "unit", "days", "csr", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").
		wants(t, http.StatusUnprocessableEntity, "This is a private key.")
	v.Lang = "pl"
	v.submit(t, "/certificates/new?key=made", "profile", "server", "common_name", "*.com", "unit", "days", "key_type", "ed25519", "lifetime", "900").
		wants(t, http.StatusUnprocessableEntity, "całą domenę najwyższego poziomu", `id="f-lifetime-error"`)
	if n, err := v.audit.List(t.Context(), audit.Filter{Action: "certificate.issued"}); err != nil || len(n.Records) > 0 {
		t.Errorf("a wrong form issued a certificate: %v, %v", n.Records, err)
	}
}

func TestKeyIsHandedOverOnce(t *testing.T) {
	t.Parallel()
	v := visit(t)
	a := v.submit(t, "/certificates/new?key=made", "profile", "server", "common_name", "*.shop.example.com", "unit", "days", "key_type", "ecdsa-p256")
	a.wants(t, http.StatusOK, "-----BEGIN PRIVATE KEY-----", "Save the private key now")
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("the page with the key says Cache-Control: %s", got)
	}
	path, key := a.find(t, `action="(/certificates/crt_[a-z0-9]+)/key"`), html.UnescapeString(a.find(t, `name="private_key" value="([^"]+)"`))
	file := v.submit(t, path+"/key", "private_key", key)
	file.wants(t, http.StatusOK)
	if file.Text != key || file.Header.Get("Content-Disposition") != "attachment; filename=wildcard.shop.example.com-key.pem" {
		t.Errorf("the key's file is %s with %q", file.Header.Get("Content-Disposition"), file.Text)
	}
	v.submit(t, path+"/key", "private_key", "no key at all").wants(t, http.StatusNotFound)

	wrong := v.submit(t, path+"/pkcs12", "private_key", key, "handover", "yes", "password", "short")
	wrong.wants(t, http.StatusUnprocessableEntity, `id="f-password-error"`, "-----BEGIN PRIVATE KEY-----", "at least 8")
	if strings.Contains(wrong.Text, `value="short"`) {
		t.Error("the password is put back into the page")
	}
	file = v.submit(t, path+"/pkcs12", "private_key", key, "handover", "yes", "password", "long enough")
	file.wants(t, http.StatusOK)
	if _, cert, chain, err := pkcs12.DecodeChain([]byte(file.Text), "long enough"); err != nil || cert.Subject.CommonName != "*.shop.example.com" || len(chain) != 2 {
		t.Errorf("the PKCS #12 file: %v", err)
	}
	if again := v.get(t, path); strings.Contains(again.Text, "PRIVATE KEY") {
		t.Error("the certificate's page shows the key")
	}
	if _, body, _ := strings.Cut(key, "\n"); strings.Contains(v.log.String(), body[:40]) || strings.Contains(v.log.String(), "long enough") {
		t.Error("the log has the key or the password")
	}
}

func TestFromRequestToRevocation(t *testing.T) {
	t.Parallel()
	v := visit(t)
	key := catest.NewKey(t)
	block, _ := pem.Decode(catest.CSR(t, key, "shop.example.com", "www.example.com"))
	done := v.upload(t, "/certificates/new", "csr_file", block.Bytes, "profile", "server", "lifetime", "10", "unit", "days", "csr", "")
	path := done.Header.Get("Location")
	v.follow(t, done).wants(t, http.StatusOK, "was issued", "shop.example.com", "dns:www.example.com", "in 10 days")

	for format, want := range map[string]struct{ mediaType, name string }{"pem": {"application/x-pem-file", "shop.example.com.pem"},
		"chain": {"application/pem-certificate-chain", "shop.example.com-chain.pem"}, "der": {"application/pkix-cert", "shop.example.com.cer"}} {
		a := v.get(t, path+"/download/"+format)
		a.wants(t, http.StatusOK)
		if a.Header.Get("Content-Type") != want.mediaType || a.Header.Get("Content-Disposition") != "attachment; filename="+want.name {
			t.Errorf("%s: %s, %s", format, a.Header.Get("Content-Type"), a.Header.Get("Content-Disposition"))
		}
	}
	v.get(t, path+"/download/exe").wants(t, http.StatusNotFound)

	renewed := v.submit(t, path+"/renew", "key", "same", "unit", "days")
	v.follow(t, renewed).wants(t, http.StatusOK, path)
	v.get(t, path).wants(t, http.StatusOK, renewed.Header.Get("Location"))
	v.submit(t, path+"/renew", "key", "csr", "unit", "days", "csr", string(catest.CSR(t, key, "other.example.com"))).
		wants(t, http.StatusUnprocessableEntity, `id="f-csr-error"`)

	v.get(t, path).wants(t, http.StatusOK, "Revoke shop.example.com?", "This will be lost", `<option value="keyCompromise"`)
	v.submit(t, path+"/revoke", "reason", "certificateHold").wants(t, http.StatusUnprocessableEntity)
	v.follow(t, v.submit(t, path+"/revoke", "reason", "keyCompromise")).wants(t, http.StatusOK, "The certificate is revoked", "The private key was or may be known")
	v.submit(t, path+"/revoke", "reason", "superseded").wants(t, http.StatusConflict)
	v.get(t, path+"/renew").wants(t, http.StatusConflict)
	v.get(t, "/revocations").wants(t, http.StatusOK, path, "http://ca.guild.example.test/crl/issuing.crl")
	v.get(t, "/certificates?status=revoked").wants(t, http.StatusOK, path)
	v.submit(t, "/verify", "name", "shop.example.com").wants(t, http.StatusOK)
	v.submit(t, "/verify", "certificate", v.get(t, path+"/download/pem").Text).wants(t, http.StatusOK, "The certificate is not good", "Revoked at")
}

// upload sends a form with a file.
func (v *visitor) upload(t *testing.T, path, field string, content []byte, pairs ...string) answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	ok(t, w.WriteField("as", certificate.NewID()))
	for i := 0; i+1 < len(pairs); i += 2 {
		ok(t, w.WriteField(pairs[i], pairs[i+1]))
	}
	part, err := w.CreateFormFile(field, "upload")
	ok(t, err)
	_, err = part.Write(content)
	ok(t, err)
	ok(t, w.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.site.URL+path, &body)
	ok(t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return v.do(t, r)
}

func TestVerifyPageSaysWhichCheckFailed(t *testing.T) {
	t.Parallel()
	v := visit(t)
	good := v.issued(t, certificate.IssueRequest{CommonName: "shop.example.com"})
	v.submit(t, "/verify", "name", "shop.example.com").wants(t, http.StatusOK, "The certificate is good", "Valid until", "It is not revoked.")
	v.submit(t, "/verify", "certificate", certificate.PEM(good.DER), "name", "bank.example.com").
		wants(t, http.StatusOK, "The certificate is not good", "It is not for bank.example.com.")
	foreign := foreignCertificate(t)
	v.upload(t, "/verify", "file", foreign).wants(t, http.StatusOK, "Another authority issued it", "Not known here", "Not checked")
	v.Lang = "pl"
	v.upload(t, "/verify", "file", foreign).wants(t, http.StatusOK, "Wystawił go inny urząd")
}

func TestJoinTokenPage(t *testing.T) {
	t.Parallel()
	v := visit(t)
	a := v.submit(t, "/tokens", "service", "shop", "lifetime", "1h0m0s")
	a.wants(t, http.StatusOK, "ca: https://ca.guild.example.test:8444", "guildhall serve shop")
	text := a.find(t, `<code>(ghj1\.[^<]+)</code>`)
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Error("the page with the token may be kept")
	}
	list := v.get(t, "/tokens")
	list.wants(t, http.StatusOK, "Usable", "The chance of shop to join")
	secret := strings.Split(text, ".")[2]
	if strings.Contains(list.Text, secret) || strings.Contains(v.log.String(), secret) {
		t.Error("the list or the log has the token's secret")
	}
	path := list.find(t, `action="(/tokens/jtk_[a-z0-9]+/withdraw)"`)
	v.follow(t, v.submit(t, path)).wants(t, http.StatusOK, "was withdrawn", "Withdrawn")
	v.submit(t, path).wants(t, http.StatusConflict)
	v.submit(t, "/tokens/jtk_none/withdraw").wants(t, http.StatusNotFound)
	for _, path := range []string{"/tokens?state=bogus", "/certificates?status=bogus", "/certificates?profile=bogus", "/revocations?profile=bogus", "/audit?action=bogus"} {
		v.get(t, path).wants(t, http.StatusOK, "Nothing matches", "selected>“bogus” is not known</option>")
	}
	v.get(t, "/tokens?state=usable").wants(t, http.StatusOK, "Nothing matches")
	v.get(t, "/tokens?q=SHO&sort=service").wants(t, http.StatusOK, "1 entry")
}

func TestAuditPageNamesTheChangedRow(t *testing.T) {
	t.Parallel()
	v := visit(t)
	v.issued(t, certificate.IssueRequest{CommonName: "shop.example.com"})
	head, err := v.audit.Head(t.Context())
	ok(t, err)
	v.submit(t, "/audit/verify").wants(t, http.StatusOK, "The log is whole")
	v.submit(t, "/audit/verify", "head", strings.ReplaceAll(head.Note, "\n", "\r\n")).wants(t, http.StatusOK, "The log is whole")
	export := v.get(t, "/audit/export")
	export.wants(t, http.StatusOK)
	if report, err := audit.VerifyExport(strings.NewReader(export.Text), v.audit.VerifierKey()); err != nil || !report.OK() {
		t.Errorf("the export does not verify: %+v, %v", report, err)
	}
	tamper(t, v.env.DB, `UPDATE audit_entries SET actor = 'somebody else' WHERE seq = 1`)
	v.submit(t, "/audit/verify").wants(t, http.StatusOK, "tampered with or damaged", "Row 1", "Changed")
}

func TestTrustFiles(t *testing.T) {
	t.Parallel()
	v := visit(t)
	v.Anonymous = true
	der := v.get(t, "/trust/guildhall-root.cer")
	der.wants(t, http.StatusOK)
	if root, err := x509.ParseCertificate([]byte(der.Text)); err != nil || !root.Equal(v.keys.RootCertificate()) {
		t.Errorf("the file is not the root: %v", err)
	}
	block, _ := pem.Decode([]byte(v.get(t, "/trust/guildhall-root.pem").Text))
	if block == nil || !bytes.Equal(block.Bytes, v.keys.RootCertificate().Raw) {
		t.Error("the PEM file is not the root")
	}
	v.get(t, "/trust/guildhall-root.exe").wants(t, http.StatusNotFound)
}

// foreignCertificate is one that its holder signed for himself.
func foreignCertificate(t *testing.T) []byte {
	t.Helper()
	key := catest.NewKey(t)
	self := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "Somebody"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"shop.example.com"}, KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, self, self, key.Public(), key)
	ok(t, err)
	return der
}

// tamper changes the database behind the authority's back.
func tamper(t *testing.T, d *db.DB, query string) {
	t.Helper()
	ok(t, d.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query)
		return err
	}))
}

// TestShownSerialNumbersAreFound types into the search what the lists show.
func TestShownSerialNumbersAreFound(t *testing.T) {
	t.Parallel()
	v := visit(t)
	r := v.issued(t, certificate.IssueRequest{CommonName: "shop.example.com"})
	v.issued(t, certificate.IssueRequest{CommonName: "bank.example.com"})
	_, err := v.certificates.Revoke(t.Context(), certificate.RevokeRequest{ID: r.ID, By: catest.Admin})
	ok(t, err)
	for _, path := range []string{"/certificates", "/revocations"} {
		shown := v.get(t, path).find(t, `>(`+r.Serial[:6]+`[0-9a-f]*…)<`)
		for _, text := range []string{shown, strings.ToUpper(r.Serial[:2] + ":" + r.Serial[2:4] + ":" + r.Serial[4:8])} {
			found := v.get(t, path+"?q="+url.QueryEscape(text))
			found.wants(t, http.StatusOK, "shop.example.com")
			if strings.Contains(found.Text, "bank.example.com") {
				t.Errorf("%s: %q finds another certificate", path, text)
			}
		}
	}
}
