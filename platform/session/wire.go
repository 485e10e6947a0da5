package session

import "time"

// What services and identity say to each other on the internal listener, where
// both know for certain who the other is.

// IdentityService is the peer name of the service that signs people in.
const IdentityService = "identity"

// ClientPrefix and a service's name are its "client_id".
const ClientPrefix = "guildhall-"

// The paths of identity's routes.
const (
	// RegisterPath takes a Registration by POST and answers with an Application.
	RegisterPath = "/peer/v1/application"
	// TokenPath is the token endpoint (RFC 6749, 3.2). The service's certificate
	// shows which application it is (RFC 8705, 2.1).
	TokenPath = "/peer/v1/token"
	// GrantPath and a grant's id answer GET with its Person, and POST ends the
	// session that the grant was begun in. 404 says that it is over.
	GrantPath = "/peer/v1/grants/"
)

// Registration is what a service says of itself; its name is in its certificate.
type Registration struct {
	// URL is the public https address of its host, without final slash.
	URL string `json:"url"`
}

// Application is a service as identity knows it.
type Application struct {
	// Issuer is identity's public address, without final slash.
	Issuer string `json:"issuer"`
	// ID is its "client_id".
	ID string `json:"client_id"`
}

// Person is who signed in, as of now.
type Person struct {
	// Account is the account's id, Name for people to read.
	Account string `json:"account"`
	Name    string `json:"name"`
	// Roles are those at the service that asks.
	Roles []string `json:"roles"`
	// Session is identity's session, ACR how surely it knows the person, since
	// AuthTime.
	Session  string    `json:"session"`
	ACR      string    `json:"acr"`
	AuthTime time.Time `json:"auth_time"`
}
