// Package api is what the clients of guildhall's services share: requests to a
// REST API under /api/v1, its errors, and the audit log, which every service has.
// It uses the standard library alone.
package api
