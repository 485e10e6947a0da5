package blob

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// signer signs requests by AWS Signature Version 4, in the header, as all servers of the
// protocol take it. Paths and header values need no encoding here.
type signer struct {
	region, access, secret string
}

// sign signs a request with all its headers. The payload is the SHA-256 of the body.
func (s signer) sign(r *http.Request, payload Sum, at time.Time) {
	stamp := at.UTC().Format("20060102T150405Z")
	scope := strings.Join([]string{stamp[:8], s.region, "s3", "aws4_request"}, "/")
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", payload.String())
	names, headers := []string{"host"}, map[string]string{"host": r.URL.Host}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		names, headers[name] = append(names, name), strings.Join(values, ",")
	}
	slices.Sort(names)
	lines := []string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery}
	for _, name := range names {
		lines = append(lines, name+":"+headers[name])
	}
	signed := strings.Join(names, ";")
	canonical := sha256.Sum256([]byte(strings.Join(append(lines, "", signed, payload.String()), "\n")))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hex.EncodeToString(canonical[:])}, "\n")
	key := []byte("AWS4" + s.secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.access+"/"+scope+",SignedHeaders="+signed+",Signature="+hex.EncodeToString(mac(key, text)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// query is parameters as the signature needs them: in order, and a space is %20.
func query(pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return strings.ReplaceAll(values.Encode(), "+", "%20")
}
