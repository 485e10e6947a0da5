package api

import (
	"net/url"
	"strconv"
)

// Query is the parameters of a request: of the words those that are not empty, of the
// numbers those above 0.
func Query[N int | int64](words map[string]string, numbers map[string]N) url.Values {
	q := url.Values{}
	for name, value := range words {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, n := range numbers {
		if n > 0 {
			q.Set(name, strconv.FormatInt(int64(n), 10))
		}
	}
	return q
}
