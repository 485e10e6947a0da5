// Package journal names what identity does in its audit log, and opens the log.
//
// The log cannot forget, so it holds no e-mail address and no name: accounts are
// called by their ids, which say nothing once the account is deleted.
package journal

// The actions of the audit log.
const (
	AccountCreated   = "account.created"
	AccountDeleted   = "account.deleted"
	ProfileChanged   = "account.profile_changed"
	EmailChanged     = "account.email_changed"
	PasswordChanged  = "account.password_changed"
	PasswordReset    = "account.password_reset"
	PasswordRefused  = "account.password_refused"
	PasswordGiven    = "account.password_given"
	AccountInvited   = "account.invited"
	PasswordAsked    = "account.password_asked"
	AccountDisabled  = "account.disabled"
	AccountEnabled   = "account.enabled"
	AccountUnlocked  = "account.unlocked"
	SecondRequired   = "account.second_factor_required"
	SecondRemoved    = "account.second_factors_removed"
	SignedIn         = "sign_in.succeeded"
	SignInRefused    = "sign_in.refused"
	CodeRequested    = "code.requested"
	CodeSent         = "code.sent"
	CodeWithheld     = "code.withheld"
	CodeRefused      = "code.refused"
	Locked           = "attempts.locked"
	Unlocked         = "attempts.unlocked"
	SessionStarted   = "session.started"
	SessionRaised    = "session.raised"
	SessionEnded     = "session.ended"
	SessionsEnded    = "session.all_ended"
	FactorRefused    = "factor.refused"
	TOTPAdded        = "factor.totp_added"
	TOTPRemoved      = "factor.totp_removed"
	RecoveryMade     = "factor.recovery_made"
	RecoveryUsed     = "factor.recovery_used"
	PasskeyAdded     = "factor.passkey_added"
	PasskeyRenamed   = "factor.passkey_renamed"
	PasskeyRemoved   = "factor.passkey_removed"
	PasskeySuspected = "factor.passkey_suspected"

	ApplicationCreated  = "application.created"
	ApplicationChanged  = "application.changed"
	ApplicationDisabled = "application.disabled"
	ApplicationEnabled  = "application.enabled"
	ApplicationRemoved  = "application.removed"
	ApplicationExposed  = "application.insecure_allowed"
	ApplicationRefused  = "application.refused"
	SecretRotated       = "application.secret_rotated"
	KeyMade             = "key.made"
	KeyReplaced         = "key.replaced"
	KeyRetired          = "key.retired"

	ConsentGiven     = "consent.given"
	ConsentWithdrawn = "consent.withdrawn"
	GrantBegun       = "grant.begun"
	GrantRevoked     = "grant.revoked"
	RefreshReused    = "grant.refresh_reused"
	DeviceApproved   = "device.approved"
	DeviceDenied     = "device.denied"

	DirectoryChanged = "directory.changed"
	DirectoryOn      = "directory.switched_on"
	DirectoryOff     = "directory.switched_off"
	DirectoryRun     = "directory.run"

	GroupCreated  = "group.created"
	GroupChanged  = "group.changed"
	GroupRemoved  = "group.removed"
	MemberAdded   = "group.member_added"
	MemberDropped = "group.member_removed"
	RoleGiven     = "role.given"
	RoleTaken     = "role.taken"
)

// Actions are all of them, by name.
func Actions() []string {
	return []string{AccountCreated, AccountDeleted, AccountDisabled, EmailChanged, AccountEnabled, AccountInvited, PasswordAsked, PasswordChanged, PasswordGiven,
		PasswordRefused, PasswordReset, ProfileChanged, SecondRequired, SecondRemoved, AccountUnlocked,
		Locked, Unlocked, CodeRefused, CodeRequested, CodeSent, CodeWithheld,
		PasskeyAdded, PasskeyRemoved, PasskeyRenamed, PasskeySuspected, RecoveryMade, RecoveryUsed, FactorRefused, TOTPAdded, TOTPRemoved,
		SessionsEnded, SessionEnded, SessionRaised, SessionStarted, SignInRefused, SignedIn,
		ApplicationChanged, ApplicationCreated, ApplicationDisabled, ApplicationEnabled, ApplicationExposed, ApplicationRefused, ApplicationRemoved, SecretRotated,
		KeyMade, KeyReplaced, KeyRetired,
		ConsentGiven, ConsentWithdrawn, DeviceApproved, DeviceDenied, DirectoryChanged, DirectoryRun, DirectoryOff, DirectoryOn, GrantBegun, RefreshReused, GrantRevoked,
		GroupChanged, GroupCreated, MemberAdded, MemberDropped, GroupRemoved, RoleGiven, RoleTaken}
}
