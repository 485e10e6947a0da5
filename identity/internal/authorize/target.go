package authorize

import (
	"net/url"
	"slices"
	"strings"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/fault"
)

// The faults of a request that has nowhere to be answered to.
var (
	ErrMalformed = fault.New(fault.Malformed, "authorize_malformed",
		"The application's request says who it is or where to go back to more than once, or not at all. Tell those who run the application.")
	ErrClient = fault.New(fault.Malformed, "authorize_client",
		"The application that sent you is not known here, or was disabled. Tell those who run it.")
	ErrOff = fault.New(fault.Forbidden, "authorize_off",
		"An administrator has disabled signing in to this service. Ask an administrator to enable it again.")
	ErrRedirect = fault.New(fault.Malformed, "authorize_redirect",
		"The application wants to go back to an address that it did not register. Nothing was sent there. Tell those who run the application.")
	ErrPushed = fault.New(fault.Malformed, "authorize_pushed",
		"This link of the application was used already or is older than a minute. Go back to the application and begin again.")
	ErrOver = fault.New(fault.NotFound, "authorize_over",
		"This request of an application is over: it was answered, or is older than ten minutes. Go back to the application and begin again.")
	// ErrNotYet says that something else comes first: Decide knows what.
	ErrNotYet = fault.New(fault.Conflict, "authorize_not_yet",
		"Something changed in the meantime. Look at the page again.")
)

// maxParams bounds what a browser can make us keep, in bytes.
const maxParams = 8 << 10

// given are the parameters that have a value: one without is as if it were not
// there (RFC 6749, 3.1).
func given(params url.Values) url.Values {
	list := url.Values{}
	for name, values := range params {
		if strings.Join(values, "") != "" {
			list[name] = values
		}
	}
	return list
}

// target is where the request is answered to, and whether the request says so.
func target(c *client.Client, params url.Values) (uri string, given bool, err error) {
	switch uris := params["redirect_uri"]; {
	case len(uris) > 1:
		return "", false, ErrMalformed
	case len(uris) == 1 && c.RedirectAllowed(uris[0]):
		return uris[0], true, nil
	case len(uris) == 1:
		return "", false, ErrRedirect
	}
	// OpenID Connect wants it named; OAuth does unless there is but one.
	if len(c.RedirectURIs) != 1 || slices.Contains(strings.Fields(params.Get("scope")), oauth.ScopeOpenID) {
		return "", false, ErrMalformed
	}
	return c.RedirectURIs[0], false, nil
}

// responseType is the parameter with its words in order.
func responseType(params url.Values) string {
	words := strings.Fields(params.Get("response_type"))
	slices.Sort(words)
	return strings.Join(words, " ")
}

// mode is how the request is answered: as it says when it may, else as its
// response type is.
func mode(params url.Values) (string, *oauth.Error) {
	standard := oauth.ModeQuery
	if words := strings.Fields(params.Get("response_type")); slices.Contains(words, oauth.ResponseToken) || slices.Contains(words, oauth.ResponseIDToken) {
		standard = oauth.ModeFragment
	}
	switch asked := params.Get("response_mode"); {
	case asked == "":
		return standard, nil
	case asked == oauth.ModeQuery && standard == oauth.ModeFragment:
		return standard, oauth.NewError(oauth.InvalidRequest, "Tokens are not sent in a query: logs and referrers would have them. Use response_mode fragment or form_post.")
	case asked == oauth.ModeQuery || asked == oauth.ModeFragment:
		return asked, nil
	case asked == oauth.ModeFormPost && strings.HasPrefix(params.Get("redirect_uri"), "http"):
		return asked, nil
	}
	return standard, oauth.NewError(oauth.InvalidRequest, "The response_mode is none of query, fragment and form_post, or none that the redirect_uri can take.")
}
