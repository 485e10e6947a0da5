package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"guildhall/platform/blob"
	"guildhall/platform/config"
	"guildhall/platform/fault"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// server is a bucket: the one of S3_TEST_BUCKET (http://access:secret@host/bucket), or one
// in this process.
func server(t *testing.T) blob.S3Config {
	t.Helper()
	if text := os.Getenv("S3_TEST_BUCKET"); text != "" {
		u, err := url.Parse(text)
		must(t, err)
		secret, _ := u.User.Password()
		return blob.S3Config{Endpoint: u.Scheme + "://" + u.Host, Region: "us-east-1", Bucket: strings.Trim(u.Path, "/"), Prefix: "a/" + strings.ToLower(t.Name()) + "/",
			AccessKey: u.User.Username(), SecretKey: config.Secret(secret), PartSize: 5 << 20}
	}
	backend := s3mem.New()
	must(t, backend.CreateBucket("files"))
	s := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(s.Close)
	return blob.S3Config{Endpoint: s.URL + "/", Region: "us-east-1", Bucket: "files", Prefix: "a/b/", AccessKey: "access", SecretKey: "secret", PartSize: 5 << 20}
}

// stores runs the test on both kinds.
func stores(t *testing.T, test func(t *testing.T, s blob.Store, d blob.Drafts)) {
	t.Helper()
	for name, c := range map[string]func(t *testing.T) blob.Config{
		"folder": func(*testing.T) blob.Config { return blob.Config{} },
		"bucket": func(t *testing.T) blob.Config { return blob.Config{S3: server(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, d, err := c(t).Open(t.TempDir(), time.Now)
			must(t, err)
			test(t, s, d)
		})
	}
}

func put(t *testing.T, s blob.Store, d blob.Drafts, content string) blob.Sum {
	t.Helper()
	draft, err := d.Receive(t.Context(), strings.NewReader(content), 1<<20)
	must(t, err)
	if draft.Sum != sha256.Sum256([]byte(content)) || draft.Size != int64(len(content)) {
		t.Fatalf("the draft is %+v", draft)
	}
	must(t, s.Put(t.Context(), draft))
	return draft.Sum
}

func read(t *testing.T, s blob.Store, sum blob.Sum, seek int64, whence int) string {
	t.Helper()
	r, err := s.Open(t.Context(), sum)
	must(t, err)
	defer func() { must(t, r.Close()) }()
	_, err = r.Seek(seek, whence)
	must(t, err)
	text, err := io.ReadAll(r)
	must(t, err)
	return string(text)
}

func all(t *testing.T, s blob.Store) []string {
	t.Helper()
	var sums []string
	must(t, s.Each(t.Context(), func(sum blob.Sum) error {
		sums = append(sums, sum.String())
		return nil
	}))
	slices.Sort(sums)
	return sums
}

func TestContentsAreKept(t *testing.T) {
	t.Parallel()
	stores(t, func(t *testing.T, s blob.Store, d blob.Drafts) {
		long := strings.Repeat("0123456789", 30_000)
		for _, content := range []string{"", "a", long, "a"} {
			sum := put(t, s, d, content)
			if got := read(t, s, sum, 0, io.SeekStart); got != content {
				t.Errorf("%d bytes became %d", len(content), len(got))
			}
		}
		sum := blob.Sum(sha256.Sum256([]byte(long)))
		for _, c := range []struct {
			seek   int64
			whence int
			want   string
		}{{299_990, io.SeekStart, "0123456789"}, {-3, io.SeekEnd, "789"}, {0, io.SeekEnd, ""}, {400_000, io.SeekStart, ""}} {
			if got := read(t, s, sum, c.seek, c.whence); got != c.want {
				t.Errorf("from %d (%d): %.20q", c.seek, c.whence, got)
			}
		}
		r, err := s.Open(t.Context(), sum)
		must(t, err)
		four := make([]byte, 4)
		for _, at := range []int64{100_003, 7, 7, 200_000} {
			_, err := r.Seek(at, io.SeekStart)
			must(t, err)
			_, err = io.ReadFull(r, four)
			must(t, err)
			if want := long[at : at+4]; string(four) != want {
				t.Errorf("at %d: %q", at, four)
			}
		}
		if _, err := r.Seek(-1, io.SeekStart); err == nil {
			t.Error("it seeks before the beginning")
		}
		must(t, r.Close())
		if got := all(t, s); len(got) != 3 {
			t.Errorf("there are %v", got)
		}
		for range 2 {
			must(t, s.Remove(t.Context(), sum))
			if _, err := s.Open(t.Context(), sum); !errors.Is(err, blob.ErrMissing) {
				t.Errorf("a content that was removed: %v", err)
			}
		}
		if got := all(t, s); len(got) != 2 {
			t.Errorf("there are %v", got)
		}
	})
}

func TestWhatBreaksOffIsNotKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, d, err := blob.Config{}.Open(dir, time.Now)
	must(t, err)
	ended, end := context.WithCancel(t.Context())
	end()
	trouble := fault.New(fault.Slow, "too_slow", "Too slow.")
	for name, c := range map[string]struct {
		ctx  context.Context //nolint:containedctx // what each case comes with
		src  io.Reader
		code string
	}{
		"too large":      {t.Context(), strings.NewReader("12345678901"), "file_too_large"},
		"broken off":     {t.Context(), io.MultiReader(strings.NewReader("123"), iotest.ErrReader(io.ErrUnexpectedEOF)), "file_broken_off"},
		"for its reason": {t.Context(), iotest.ErrReader(trouble), "too_slow"},
		"given up":       {ended, strings.NewReader("123"), "file_broken_off"},
	} {
		if _, err := d.Receive(c.ctx, c.src, 10); fault.As(err).Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*", ".*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if got := all(t, s); len(got) > 0 {
		t.Errorf("kept: %v", got)
	}
	draft, err := d.Receive(t.Context(), strings.NewReader("1234567890"), 10)
	must(t, err)
	draft.Discard()
	_, err = d.Receive(t.Context(), strings.NewReader("1"), 10)
	must(t, err) // the process ends before it is put
	_, _, err = blob.Config{}.Open(dir, time.Now)
	must(t, err)
	if left, err := filepath.Glob(filepath.Join(dir, "drafts", ".*")); err != nil || len(left) > 0 {
		t.Errorf("left after the next start: %v, %v", left, err)
	}
}

// A content that a crash of the machine or a copy cut short is replaced by the next
// draft with its sum.
func TestACutContentIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, d, err := blob.Config{}.Open(dir, time.Now)
	must(t, err)
	sum := put(t, s, d, "whole")
	must(t, os.Truncate(filepath.Join(dir, "blobs", sum.String()[:2], sum.String()), 2))
	put(t, s, d, "whole")
	if got := read(t, s, sum, 0, io.SeekStart); got != "whole" {
		t.Errorf("it is %q", got)
	}
	must(t, os.WriteFile(filepath.Join(dir, "blobs", "notes.txt"), nil, 0o600))
	if got := all(t, s); len(got) != 1 {
		t.Errorf("there are %v", got)
	}
}

func TestABucketThatRefuses(t *testing.T) {
	t.Parallel()
	c := server(t)
	c.Bucket = "nosuchbucket"
	s, d, err := blob.Config{S3: c}.Open(t.TempDir(), time.Now)
	must(t, err)
	draft, err := d.Receive(t.Context(), strings.NewReader("x"), 10)
	must(t, err)
	if err := s.Put(t.Context(), draft); !errors.Is(err, blob.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("put into no bucket: %v", err)
	}
	if err := s.Each(t.Context(), func(blob.Sum) error { return nil }); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("list no bucket: %v", err)
	}
	c.Endpoint = "http://127.0.0.1:1"
	s, _, err = blob.Config{S3: c}.Open(t.TempDir(), time.Now)
	must(t, err)
	if _, err := s.Open(t.Context(), draft.Sum); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("ask nobody: %v", err)
	}
}

func TestSums(t *testing.T) {
	t.Parallel()
	sum := blob.Sum(sha256.Sum256(nil))
	for _, text := range []string{sum.String(), strings.ToUpper(sum.String())} {
		if got, err := blob.ParseSum(text); err != nil || got != sum {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "00", sum.String() + "00", sum.String()[1:], strings.Repeat("g", 64), strings.Repeat("é", 32)} {
		if _, err := blob.ParseSum(text); err == nil {
			t.Errorf("%q is a sum", text)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := blob.Default()
	must(t, good.Check("x"))
	good.S3 = blob.S3Config{Endpoint: "https://s3.example.com", Region: "r", Bucket: "files", Prefix: "a/b/", AccessKey: "k", SecretKey: "s", PartSize: 5 << 20}
	must(t, good.Check("x"))
	for want, change := range map[string]func(*blob.Config){
		"x.max_size":      func(c *blob.Config) { c.MaxSize = 0 },
		"x.s3.endpoint":   func(c *blob.Config) { c.S3.Endpoint = "ftp://x" },
		"x.s3.bucket":     func(c *blob.Config) { c.S3.Bucket = "Files/" },
		"x.s3.prefix":     func(c *blob.Config) { c.S3.Prefix = "/a b" },
		"x.s3.region":     func(c *blob.Config) { c.S3.Region = "" },
		"x.s3.access_key": func(c *blob.Config) { c.S3.AccessKey = "" },
		"x.s3.secret_key": func(c *blob.Config) { c.S3.SecretKey = "" },
		"x.s3.part_size":  func(c *blob.Config) { c.S3.PartSize = 5<<20 - 1 },
	} {
		c := good
		change(&c)
		if fields := fault.As(c.Check("x")).Fields; len(fields) != 1 || fields[0].Name != want || !strings.HasPrefix(fields[0].Detail, want+" ") {
			t.Errorf("%s: %+v", want, fields)
		}
	}
}

func TestParallelPutsOfOneContent(t *testing.T) {
	t.Parallel()
	stores(t, func(t *testing.T, s blob.Store, d blob.Drafts) {
		content, done := bytes.Repeat([]byte("x"), 100_000), make(chan error)
		for range 8 {
			go func() {
				draft, err := d.Receive(t.Context(), bytes.NewReader(content), 1<<20)
				if err == nil {
					err = s.Put(t.Context(), draft)
				}
				done <- err
			}()
		}
		for range 8 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if got := all(t, s); len(got) != 1 {
			t.Errorf("there are %v", got)
		}
	})
}
