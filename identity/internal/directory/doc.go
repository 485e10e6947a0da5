// Package directory imports people from a directory: Active Directory, or another
// that speaks LDAP (RFC 4511). The members of one group have accounts here, and
// nobody else of the directory has.
//
// # What always holds
//
//   - Somebody is known by the id that the directory gave him (objectGUID,
//     entryUUID): whoever is renamed or moved keeps his account.
//   - Everything is read before anything is changed. What was read in part changes
//     nothing, and neither does a run that finds nobody, or that would disable more
//     people than the limit allows.
//   - An account that somebody disabled here stays disabled, one that somebody
//     deleted here stays deleted, and one that has an imported person's address
//     already is never taken over.
//   - An account that is disabled loses its sessions in the same transaction. An
//     account and its letter are one transaction too.
//
// # Letters
//
//	identity.directory_password   Password         a new account's password, to be changed at the first sign-in
//	identity.directory_link       Link, Days       a new account's link to set its password
//	identity.directory_welcome    -                a new account that signs in with the directory's password
//	identity.email_changed        Email, At, From  to the old address; Email is the new one, partly hidden
package directory
