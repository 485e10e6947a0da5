package main

import (
	"guildhall/ca"
	"guildhall/identity"
	"guildhall/license"
	"guildhall/platform/app"
)

// services is the list of all services, in the order in which they start: the
// authority first, because the others need its certificates.
func services() []app.Definition {
	return []app.Definition{
		ca.Definition(),
		identity.Definition(),
		license.Definition(),
	}
}
