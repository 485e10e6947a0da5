package identity

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"guildhall/identity/internal/avatar"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/identitytest"
	"guildhall/platform/guildtest"
)

// painted is a PNG of one colour.
func painted(t *testing.T, c color.Color) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range 40 * 30 {
		m.Set(i%40, i/40, c)
	}
	var out bytes.Buffer
	ok(t, png.Encode(&out, m))
	return out.Bytes()
}

// uploads sends a file from anna's browser, in a form.
func (c *counter) uploads(t *testing.T, field string, data []byte, headers ...string) reply {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, "anna.png")
	ok(t, err)
	_, err = part.Write(data)
	ok(t, err)
	ok(t, form.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+"/picture", &body)
	ok(t, err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r.AddCookie(c.cookie)
	return c.send(t, r)
}

func (c *counter) page(t *testing.T, path string) reply {
	t.Helper()
	return c.call(t, path, nil, http.Header{"Accept": {"text/html"}, "Cookie": {c.cookie.String()}}).fine(t)
}

func (r reply) leads(t *testing.T, path string) {
	t.Helper()
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != path {
		t.Fatalf("status %d to %q, want %q: %.500s", r.StatusCode, r.Header.Get("Location"), path, r.Text)
	}
}

func TestPictureOfAnAccount(t *testing.T) {
	t.Parallel()
	atBothCounters(t, func(t *testing.T, c *counter) {
		if page := c.page(t, "/"); strings.Contains(page.Text, "/pictures/") || !strings.Contains(page.Text, `data-initials="AN"`) {
			t.Error("without a picture there are no initials")
		}
		access := c.login(t, c.anna.Email, identitytest.Password, "").fine(t).text("access_token")
		if me := c.me(t, access); me.Body["picture"] != nil {
			t.Errorf("without a picture: %s", me.Text)
		}
		shop := c.application(t, client.Web, nil)
		token := shop.signsIn(t).text("access_token")
		if person := c.person(t, token).fine(t); person.Body["picture"] != nil {
			t.Errorf("without a picture: %s", person.Text)
		}
		rows := c.Rows(t)
		c.uploads(t, "picture", painted(t, color.RGBA{R: 255, A: 255})).leads(t, "/")
		if got := c.Actions(t, rows); !slices.Equal(got, []string{"account.profile_changed"}) {
			t.Errorf("recorded: %q", got)
		}
		first := c.me(t, access).text("picture")
		if !strings.HasPrefix(first, issuer+"/pictures/") || c.person(t, token).text("picture") != first {
			t.Fatalf("the picture is at %q", first)
		}
		path := strings.TrimPrefix(first, issuer)
		if page := c.page(t, "/"); strings.Count(page.Text, `src="`+path+`"`) != 2 {
			t.Error("it is not in the header and on the page")
		}
		shown := c.call(t, path, nil, nil).fine(t)
		if h := shown.Header; h.Get("Content-Type") != avatar.Type || !strings.Contains(h.Get("Cache-Control"), "immutable") ||
			h.Get("Cross-Origin-Resource-Policy") != "cross-origin" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("it is sent with %v", h)
		}
		if m, err := jpeg.Decode(strings.NewReader(shown.Text)); err != nil || m.Bounds().Dx() != avatar.Size {
			t.Errorf("it is no picture: %v", err)
		}

		large := append(painted(t, color.RGBA{B: 255, A: 255}), make([]byte, 8<<20)...) // as telephones make them
		c.uploads(t, "picture", large).leads(t, "/")
		if second := c.me(t, access).text("picture"); second == first {
			t.Error("another picture has the same name")
		}
		if gone := c.call(t, path, nil, nil); gone.StatusCode != http.StatusNotFound {
			t.Errorf("the replaced one: %d", gone.StatusCode)
		}
		remove := func() reply {
			return c.call(t, "/picture/remove", values(), http.Header{"Cookie": {c.cookie.String()}})
		}
		remove().leads(t, "/")
		rows = c.Rows(t)
		remove().leads(t, "/")
		if got := c.Actions(t, rows); len(got) != 0 || c.me(t, access).Body["picture"] != nil {
			t.Errorf("removed twice: %q", got)
		}
	})
}

// A picture goes with its account.
func TestPictureOfADeletedAccount(t *testing.T) {
	t.Parallel()
	atBothCounters(t, func(t *testing.T, c *counter) {
		c.uploads(t, "picture", painted(t, color.White)).leads(t, "/")
		a, err := c.accounts.Get(t.Context(), c.anna.ID)
		ok(t, err)
		ok(t, c.accounts.Delete(t.Context(), a.ID, identitytest.Password, identitytest.By.As(a.ID)))
		if gone := c.call(t, "/pictures/"+a.Picture, nil, nil); gone.StatusCode != http.StatusNotFound {
			t.Errorf("it is still there: %d", gone.StatusCode)
		}
	})
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	t.Parallel()
	c := openCounter(t, guildtest.SQLite(t), nil)
	good := painted(t, color.Black)
	for why, got := range map[string]struct {
		reply  reply
		status int
		says   string
	}{
		"nothing":           {c.uploads(t, "picture", nil), 422, "Choose a file"},
		"another field":     {c.uploads(t, "photo", good), 422, "Choose a file"},
		"a web page":        {c.uploads(t, "picture", []byte("<html><script>alert(1)</script>")), 422, "no picture in PNG"},
		"a drawing":         {c.uploads(t, "picture", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)), 422, "no picture in PNG"},
		"too much":          {c.uploads(t, "picture", append(good, make([]byte, avatar.MaxBytes)...)), 422, "more than ten million bytes"},
		"far too much":      {c.uploads(t, "picture", make([]byte, 13<<20)), 422, "more than ten million bytes"},
		"half":              {c.uploads(t, "picture", good[:len(good)-20]), 422, "cannot be read"},
		"from another site": {c.uploads(t, "picture", good, "Sec-Fetch-Site", "cross-site"), 403, ""},
		"no file at all":    {c.call(t, "/picture", values("picture", "x"), http.Header{"Cookie": {c.cookie.String()}, "Accept": {"text/html"}}), 400, ""},
	} {
		if got.reply.StatusCode != got.status || !strings.Contains(got.reply.Text, got.says) {
			t.Errorf("%s: %d, %.3000s", why, got.reply.StatusCode, got.reply.Text)
		}
		_, card, _ := strings.Cut(got.reply.Text, `action="/picture"`)
		if got.status == http.StatusUnprocessableEntity && (strings.Count(got.reply.Text, "data-focus") != 1 || !strings.Contains(card, "data-focus")) {
			t.Errorf("%s: the summary does not stand in the card of the picture alone", why)
		}
	}
	if a, err := c.accounts.Get(t.Context(), c.anna.ID); err != nil || a.Picture != "" {
		t.Errorf("the picture is %q, %v", a.Picture, err)
	}
	if got := c.call(t, "/pictures/..%2fx", nil, nil); got.StatusCode != http.StatusNotFound {
		t.Errorf("a strange name: %d", got.StatusCode)
	}
}
