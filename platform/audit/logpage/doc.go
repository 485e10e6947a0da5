// Package logpage is the page of a service's audit log: search and filters, a
// verification, the export. A service gives its log, says what its actions, actors
// and subjects are called, and shows what it gets back in its own frame.
package logpage
