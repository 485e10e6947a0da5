// Package manage is a client for those who administer guildhall's service license:
// products, policies, customers, batches and cards. Programs that have a card use
// package license. It uses the standard library alone.
package manage
