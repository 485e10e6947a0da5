// Package journal names what the authority does in its audit log.
package journal

// The actions of the audit log.
const (
	Created            = "authority.created"
	Issued             = "certificate.issued"
	IssueRefused       = "certificate.issue_refused"
	Renewed            = "certificate.renewed"
	RenewRefused       = "certificate.renew_refused"
	Revoked            = "certificate.revoked"
	RevokeRefused      = "certificate.revoke_refused"
	Expiring           = "certificate.expiring"
	VerificationFailed = "certificate.verification_failed"
	KeyExported        = "certificate.key_exported"
	TokenCreated       = "join_token.created"
	TokenRefused       = "join_token.refused"
	TokenWithdrawn     = "join_token.withdrawn"
)

// Actions are all of them, by name.
func Actions() []string {
	return []string{Created, Expiring, IssueRefused, Issued, KeyExported, RenewRefused, Renewed, RevokeRefused, Revoked, VerificationFailed,
		TokenCreated, TokenRefused, TokenWithdrawn}
}
