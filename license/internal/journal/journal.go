// Package journal names what administrators do to licences in the audit log.
//
// The log cannot forget, so it holds no card key and no name or address of a customer:
// cards and customers are called by their ids.
package journal

// The actions of the audit log.
const (
	ProductCreated         = "product.created"
	ProductChanged         = "product.changed"
	ReleaseCreated         = "release.created"
	KeyExported            = "handshake_key.exported"
	KeyRotated             = "handshake_key.rotated"
	PolicyCreated          = "policy.created"
	PolicyChanged          = "policy.changed"
	CustomerAdded          = "customer.created"
	CustomerEdited         = "customer.changed"
	BatchOrdered           = "batch.ordered"
	BatchExported          = "batch.exported"
	CardSuspended          = "card.suspended"
	CardResumed            = "card.resumed"
	CardRevoked            = "card.revoked"
	CardExtended           = "card.extended"
	CardUnbound            = "card.unbound"
	CardChanged            = "card.changed"
	CardModules            = "card.modules_set"
	CardMoved              = "card.moved_by_customer"
	CardBinned             = "card.binned"
	CardRestored           = "card.restored"
	KeyMade                = "transport_key.made"
	KeyEnded               = "transport_key.ended"
	FunctionUploaded       = "function.uploaded"
	FunctionUsed           = "function.version_used"
	FunctionChanged        = "function.changed"
	FunctionEnabled        = "function.enabled"
	FunctionDisabled       = "function.disabled"
	FunctionRemoved        = "function.removed"
	FunctionVersionRemoved = "function.version_removed"
	KitExported            = "kit.exported"
	AlarmAcknowledged      = "alarm.acknowledged"

	SigningKeyMade    = "signing_key.made"
	SigningKeyRotated = "signing_key.rotated"
	SigningKeyRetired = "signing_key.retired"
	LicenceIssued     = "licence.issued"
	LicenceChanged    = "licence.changed"

	CustomerInvited     = "customer.invited"
	AccountLinked       = "customer.account_linked"
	AccountUnlinked     = "customer.account_unlinked"
	InvitationWithdrawn = "customer.invitation_withdrawn"
)

// What is done to the files of releases.
const (
	FileAdded   = "file.added"
	FileRemoved = "file.removed"
)

// Actions are all of them, in order.
func Actions() []string {
	return []string{AlarmAcknowledged, BatchExported, BatchOrdered, CardBinned, CardChanged, CardExtended, CardModules, CardMoved, CardRestored, CardResumed, CardRevoked, CardSuspended, CardUnbound,
		AccountLinked, AccountUnlinked, CustomerEdited, CustomerAdded, InvitationWithdrawn, CustomerInvited, FileAdded, FileRemoved, KeyExported, KeyRotated, KitExported, LicenceChanged, LicenceIssued, PolicyChanged, PolicyCreated, ProductChanged, ProductCreated, ReleaseCreated,
		FunctionChanged, FunctionDisabled, FunctionEnabled, FunctionRemoved, FunctionUploaded, FunctionVersionRemoved, FunctionUsed,
		SigningKeyMade, SigningKeyRetired, SigningKeyRotated, KeyEnded, KeyMade}
}
