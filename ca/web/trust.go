package web

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"time"

	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Trust is the public page that tells how to trust the authority.
type Trust struct {
	Root *x509.Certificate
	// PEMURL and DERURL are where the root is fetched by plain HTTP: a machine
	// that does not trust it yet can do no other.
	PEMURL, DERURL string
	// PublicURL is an https address of this installation, to try the result on.
	PublicURL string
	// On is one of Systems.
	On  string
	Now time.Time
}

// Systems are those that the page explains, the first one by default.
func Systems() []string { return []string{"debian", "windows", "macos", "nss", "java", "curl"} }

// SystemOf is the system that the address asks for, or the first.
func SystemOf(name string) string {
	if slices.Contains(Systems(), name) {
		return name
	}
	return Systems()[0]
}

// step is one thing to do: a sentence, and what to type for it.
type step struct{ Text, Command string }

func (t Trust) tabs(ctx context.Context) ui.Tabs {
	tabs := ui.Tabs{Label: i18n.T(ctx, "ca.trust.system")}
	for _, name := range Systems() {
		tabs.Items = append(tabs.Items, ui.Tab{Label: known(ctx, "ca.trust.on."+name, name), URL: "/trust?on=" + name, Active: name == t.On})
	}
	return tabs
}

func (t Trust) terms(ctx context.Context) ui.Definitions {
	return ui.Definitions{
		{Name: i18n.T(ctx, "ca.trust.root"), Value: ui.Text(t.Root.Subject.CommonName)},
		{Name: i18n.T(ctx, "ca.detail.fingerprint"), Value: ui.Mono(fingerprint(t.Root.Raw)), Copy: fingerprint(t.Root.Raw)},
		{Name: i18n.T(ctx, "ca.detail.to"), Value: ui.Text(until(ctx, t.Root.NotAfter, t.Now))},
	}
}

// hash is the fingerprint as hash programs write it.
func (t Trust) hash() string {
	sum := sha256.Sum256(t.Root.Raw)
	return hex.EncodeToString(sum[:])
}

// steps are what to do on the system.
func (t Trust) steps(ctx context.Context) []step {
	fetch := step{i18n.T(ctx, "ca.trust.fetch"), "curl -fo guildhall-root.pem " + t.PEMURL}
	compare := step{i18n.T(ctx, "ca.trust.compare", "Fingerprint", fingerprint(t.Root.Raw)), "openssl x509 -in guildhall-root.pem -noout -fingerprint -sha256"}
	switch t.On {
	case "windows":
		return t.windows(ctx)
	case "macos":
		return []step{fetch, compare, {i18n.T(ctx, "ca.trust.macos.add"),
			"sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain guildhall-root.pem"}}
	case "nss":
		return []step{fetch, compare, {Text: i18n.T(ctx, "ca.trust.nss.firefox")},
			{i18n.T(ctx, "ca.trust.nss.chromium"), "sudo apt-get install -y libnss3-tools\nmkdir -p ~/.pki/nssdb\ncertutil -d sql:$HOME/.pki/nssdb -A -t C,, -n \"guildhall root\" -i guildhall-root.pem"}}
	case "java":
		return []step{fetch, compare, {i18n.T(ctx, "ca.trust.java.add"),
			"sudo keytool -importcert -cacerts -storepass changeit -noprompt -alias guildhall-root -file guildhall-root.pem"}}
	case "curl":
		return t.curl(ctx, fetch, compare)
	}
	return []step{fetch, compare, {i18n.T(ctx, "ca.trust.debian.add"),
		"sudo cp guildhall-root.pem /usr/local/share/ca-certificates/guildhall-root.crt\nsudo update-ca-certificates"},
		{i18n.T(ctx, "ca.trust.try"), "curl -I " + t.PublicURL + "/trust"}}
}

func (t Trust) windows(ctx context.Context) []step {
	return []step{
		{i18n.T(ctx, "ca.trust.windows.fetch"), "Invoke-WebRequest " + t.DERURL + " -OutFile guildhall-root.cer"},
		{i18n.T(ctx, "ca.trust.compare", "Fingerprint", t.hash()), "(Get-FileHash guildhall-root.cer -Algorithm SHA256).Hash.ToLower()"},
		{i18n.T(ctx, "ca.trust.windows.add"), `Import-Certificate -FilePath guildhall-root.cer -CertStoreLocation Cert:\LocalMachine\Root`},
	}
}

func (t Trust) curl(ctx context.Context, fetch, compare step) []step {
	return []step{fetch, compare,
		{i18n.T(ctx, "ca.trust.curl.once"), "curl --cacert guildhall-root.pem " + t.PublicURL + "/trust"},
		{i18n.T(ctx, "ca.trust.curl.variables"), "export CURL_CA_BUNDLE=$PWD/guildhall-root.pem      # curl\nexport REQUESTS_CA_BUNDLE=$PWD/guildhall-root.pem  # Python requests\nexport NODE_EXTRA_CA_CERTS=$PWD/guildhall-root.pem # Node.js\nexport SSL_CERT_FILE=$PWD/guildhall-root.pem       # Go, OpenSSL"},
	}
}
