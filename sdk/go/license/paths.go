package license

// Where a server is asked, below one of its addresses. The name of a call follows the
// first two; the third takes the parameter "ticket" and
// the fourth "product".
const (
	PathCalls         = "/v1/"              // JSON, over https alone
	PathSealed        = "/license/v1/"      // psk and hpke, over http and https
	PathFiles         = "/license/v1/files" // downloads, over http and https
	PathConfiguration = "/license/v1/configuration"
)
