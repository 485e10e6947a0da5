package directory

import "guildhall/platform/fault"

// What can be wrong. Where a server or a library said what, the argument "Exact"
// repeats it; the sentence is the remedy. Wrong settings are the fault
// invalid_fields instead.
var (
	ErrNotSetUp = fault.New(fault.Conflict, "directory_not_set_up", "No directory is set up. Fill in its settings first, on identity's page /admin/directory or by PUT /api/v1/directory.")
	ErrOff      = fault.New(fault.Conflict, "directory_off", "The import is switched off. Switch it on, or do a dry run.")
	ErrUntried  = fault.New(fault.Conflict, "directory_untried", "These settings were never tried. Do a dry run and look at what it would do; then switch the import on.")
	ErrChanged  = fault.New(fault.Conflict, "directory_changed", "Somebody else changed the settings meanwhile. Nothing was changed here; look at them and try again.")
	ErrRunning  = fault.New(fault.Conflict, "directory_running", "A run is under way. Wait until it has ended.")
	ErrNoRun    = fault.New(fault.NotFound, "directory_run_not_found", "There is no such run. Reports are deleted after 30 days.")

	// ErrAway is the answer to whoever cannot be signed in because the directory is
	// out of reach.
	ErrAway = fault.New(fault.Unavailable, "directory_away", "Passwords that are kept in the company's directory cannot be checked at the moment. Try again in a few minutes.")

	// ErrReach and those after it say at which step reading failed.
	ErrReach       = fault.New(fault.Unavailable, "directory_unreachable", "The server does not answer. Check its name and port, and whether a firewall lets this machine through.")
	ErrNoTLS       = fault.New(fault.Unavailable, "directory_no_tls", "The server does not speak TLS here. Use port 636 for ldaps:// and port 389 for ldap://, and see that the server has a certificate.")
	ErrUntrusted   = fault.New(fault.Unavailable, "directory_untrusted", "The server's certificate is not signed by an authority that is trusted here. Choose the authority that signed it, or paste its certificate into the settings.")
	ErrWrongName   = fault.New(fault.Unavailable, "directory_wrong_name", "The server's certificate is for another name. Write the server's address as its certificate names it.")
	ErrStale       = fault.New(fault.Unavailable, "directory_stale", "The server's certificate is not valid at this time. Renew it on the server, and compare the clocks.")
	ErrPassword    = fault.New(fault.Unavailable, "directory_bind_wrong", "The directory does not know the account that reads it, or its password is another. Check both in the settings.")
	ErrBindOff     = fault.New(fault.Unavailable, "directory_bind_disabled", "The account that reads the directory is disabled there. Enable it, or use another.")
	ErrBindChange  = fault.New(fault.Unavailable, "directory_bind_must_change", "The account that reads the directory must change its password first. Do that in the directory, and let its password never expire.")
	ErrBindExpired = fault.New(fault.Unavailable, "directory_bind_expired", "The account that reads the directory, or its password, has expired. Renew it in the directory.")
	ErrBindLocked  = fault.New(fault.Unavailable, "directory_bind_locked", "The account that reads the directory is locked because of wrong passwords. Unlock it in the directory, and look for what uses an old password.")
	ErrBind        = fault.New(fault.Unavailable, "directory_bind", "The directory refuses the account that reads it. What the server said tells why.")
	ErrNoBase      = fault.New(fault.Unavailable, "directory_no_base", "There is nothing under the base DN, or the account may not read it. Check the base DN and the account's permissions.")
	ErrNoGroup     = fault.New(fault.Unavailable, "directory_no_group", "The group is not there, or the account may not read it. Check the group's DN and the account's permissions.")
	ErrNotGroup    = fault.New(fault.Unavailable, "directory_not_group", "The entry is no group that lists its members. Give the DN of a group (group, groupOfNames, groupOfUniqueNames).")
	ErrNoKey       = fault.New(fault.Unavailable, "directory_no_key", "A member has neither objectGUID nor entryUUID, or the account may not read it. Give the account the permission to read it.")
	ErrRead        = fault.New(fault.Unavailable, "directory_read", "The directory could not be read to the end, so nothing was changed. The next run tries again.")
	ErrMany        = fault.New(fault.Unavailable, "directory_many", "The group has more than 100,000 members. Choose a smaller one.")

	// ErrEmpty and ErrLimit stop a run before it changes anything.
	ErrEmpty = fault.New(fault.Conflict, "directory_empty", "The group has no members. Nothing was changed: an empty group never disables everybody.")
	ErrLimit = fault.New(fault.Conflict, "directory_limit", "The run would disable more accounts than the limit allows. Nothing was changed. Look at the report; if it is right, run the import once beyond the limit.")
	// ErrCut is the end of a run whose process died.
	ErrCut = fault.New(fault.Unavailable, "directory_cut", "The run was cut off, because the process ended. What it had done is done; the next run does the rest.")

	// ErrSignInOff and those after it are told to whoever gave the right password.
	ErrSignInOff     = fault.New(fault.Forbidden, "directory_sign_in_disabled", "Your account is disabled in the company's directory. Ask those who look after it.")
	ErrSignInChange  = fault.New(fault.Forbidden, "directory_sign_in_must_change", "The company's directory wants you to change your password first. Do that where you usually sign in at work; then come back.")
	ErrSignInExpired = fault.New(fault.Forbidden, "directory_sign_in_expired", "Your account or your password has expired in the company's directory. Ask those who look after it.")
)

// exactly is the error with what a server or a library said.
func exactly(e *fault.Error, err error) error {
	return e.With(map[string]any{"Exact": err.Error()}).Because(err)
}

// Exact is what a server or a library said of an error of this package, or "".
func Exact(err error) string {
	text, _ := fault.As(err).Args["Exact"].(string)
	return text
}
