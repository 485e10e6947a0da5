// Package web holds the views of license: what its pages show, out of what package
// license read. A view is a struct of facts and a templ component that says them in the
// reader's language; nothing here asks a database or knows a request.
package web
