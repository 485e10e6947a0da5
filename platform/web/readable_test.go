package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestUnreadableAddressesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for target, want := range map[string]int{
		"/?q=%E4%B8%AD&r=ż": 200, "/%C5%BC": 404, "/a?q=%00": 400, "/a?%ff=1": 400, "/a%00": 400, "/%ff": 400, "/a?q=%c3%28": 400,
	} {
		if rec := w.do(httptest.NewRequest(http.MethodGet, target, nil)); rec.Code != want {
			t.Errorf("%s: %d, want %d", target, rec.Code, want)
		}
	}
}
