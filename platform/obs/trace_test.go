package obs_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guildhall/platform/obs"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestParseTraceparent(t *testing.T) {
	t.Parallel()
	got, ok := obs.ParseTraceparent(parent)
	if !ok || got.String() != parent || got.TraceID() != parent[3:35] || got.SpanID() != parent[36:52] {
		t.Errorf("got %v, %v", got, ok)
	}
	if later, ok := obs.ParseTraceparent("cc" + parent[2:] + "-what-comes"); !ok || later.String() != parent {
		t.Errorf("a later version: got %v, %v", later, ok)
	}
	for _, bad := range []string{"", "00", parent + "-x", parent + "0", "ff" + parent[2:], strings.ToUpper(parent), "0g" + parent[2:],
		parent[:3] + strings.Repeat("0", 32) + parent[35:], parent[:36] + strings.Repeat("0", 16) + parent[52:],
		"cc" + parent[2:] + "x", strings.Replace(parent, "-b7", "_b7", 1), parent[:53] + "zz", " " + parent} {
		if got, ok := obs.ParseTraceparent(bad); ok {
			t.Errorf("%q was taken as %v", bad, got)
		}
	}
}

func TestTraceGoesThroughARequest(t *testing.T) {
	t.Parallel()
	serve := func(h http.Header) http.Header {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = h
		out := http.Header{}
		obs.Traced(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { obs.Inject(r.Context(), out) })).ServeHTTP(httptest.NewRecorder(), r)
		return out
	}
	out := serve(http.Header{"Traceparent": {parent}, "Tracestate": {"a=1", "b=2"}})
	got, ok := obs.ParseTraceparent(out.Get("Traceparent"))
	if !ok || got.TraceID() != parent[3:35] || got.SpanID() == parent[36:52] || !strings.HasSuffix(got.String(), "-01") {
		t.Errorf("the trace does not go on in a span of its own: %v", out)
	}
	if out.Get("Tracestate") != "a=1,b=2" {
		t.Errorf("tracestate: %v", out)
	}
	for name, h := range map[string]http.Header{"none": {}, "bad": {"Traceparent": {"x"}, "Tracestate": {"a=1"}}, "two": {"Traceparent": {parent, parent}}} {
		out := serve(h)
		if got, ok := obs.ParseTraceparent(out.Get("Traceparent")); !ok || got.TraceID() == parent[3:35] || out.Get("Tracestate") != "" {
			t.Errorf("%s: no new trace: %v", name, out)
		}
	}
	if long := serve(http.Header{"Traceparent": {parent}, "Tracestate": {strings.Repeat("a", 600)}}); long.Get("Tracestate") != "" {
		t.Error("a tracestate beyond the bound was kept")
	}
	none := http.Header{}
	if obs.Inject(t.Context(), none); len(none) != 0 {
		t.Errorf("a trace from nowhere: %v", none)
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add(parent)
	f.Add("cc" + parent[2:] + "-x")
	f.Fuzz(func(t *testing.T, value string) {
		got, ok := obs.ParseTraceparent(value)
		if again, still := obs.ParseTraceparent(got.String()); ok && (!still || again != got) {
			t.Fatalf("%q gives %v, which does not read back", value, got)
		}
	})
}
