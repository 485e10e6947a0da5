package mail

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"
)

// greetings are the templates of one letter.
func greetings() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"en/notes.greet.txt":  file("{{define \"subject\"}}Hello {{.Who}}{{end}}\nHello {{.Who}} at {{.Product}}, your code is {{.Code}}.\n"),
		"en/notes.greet.html": file(`<h1>Hello {{.Who}}</h1>{{template "code" .Code}}{{template "button" (link .URL "Open")}}`),
		"zh/notes.greet.txt":  file("{{define \"subject\"}}你好 {{.Who}}{{end}}\n你好 {{.Who}}，代码 {{.Code}}。\n"),
		"zh/notes.greet.html": file(`<h1>你好 {{.Who}}</h1>{{template "code" .Code}}`),
		"pl/notes.greet.txt":  file("{{define \"subject\"}}Cześć {{.Who}}{{end}}\nCześć {{.Who}}, kod {{.Code}}.\n"),
		"pl/notes.greet.html": file(`<h1>Cześć {{.Who}}</h1>{{template "code" .Code}}`),
	}
}

func greet(language string) Message {
	return Message{To: "anna@example.com", Name: "Anna", Language: language, Template: "notes.greet",
		Data: map[string]any{"Who": "<Anna> & co", "Code": "481516", "URL": "https://notes.example.com/x?a=1&b=2"}}
}

func rendered(t *testing.T, m Message) Letter {
	t.Helper()
	templates, err := readTemplates(greetings(), "Guild & Sons")
	if err != nil {
		t.Fatal(err)
	}
	var l Letter
	if err := templates.render(m, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRender(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]struct{ subject, lang, footer string }{
		"en": {"Hello <Anna> & co", "en", "Nobody reads answers"}, "": {"Hello <Anna> & co", "en", "Nobody"}, "fr": {"Hello <Anna> & co", "en", "Nobody"},
		"zh-CN": {"你好 <Anna> & co", "zh-CN", "请勿回复"}, "zh": {"你好 <Anna> & co", "zh-CN", "请勿回复"}, "pl": {"Cześć <Anna> & co", "pl", "nikt nie czyta"},
	} {
		l := rendered(t, greet(language))
		if l.Subject != want.subject {
			t.Errorf("%q: the subject is %q", language, l.Subject)
		}
		if !strings.Contains(l.Text, "<Anna> & co") || !strings.Contains(l.Text, "481516") || !strings.Contains(l.Text, "\n-- \n") || !strings.Contains(l.Text, want.footer) {
			t.Errorf("%q: the text is %q", language, l.Text)
		}
		for _, part := range []string{`<html lang="` + want.lang + `">`, "&lt;Anna&gt; &amp; co", `<p class="code">481516</p>`, "Guild &amp; Sons", want.footer, "prefers-color-scheme: dark"} {
			if !strings.Contains(l.HTML, part) {
				t.Errorf("%q: the HTML lacks %q", language, part)
			}
		}
	}
	l := rendered(t, greet("en"))
	if !strings.Contains(l.HTML, `<a class="button" href="https://notes.example.com/x?a=1&amp;b=2">Open</a>`) {
		t.Errorf("the button is not there:\n%s", l.HTML)
	}
	for _, loads := range []string{"<img", "<link", "<script", "url(", "@import", "src="} {
		if strings.Contains(l.HTML, loads) {
			t.Errorf("the letter loads something: %s", loads)
		}
	}
}

func TestHostileDataStaysText(t *testing.T) {
	t.Parallel()
	m := greet("en")
	m.Data["Who"], m.Data["URL"] = "x\r\nBcc: eve@example.com <script>alert(1)</script>", "javascript:alert(1)"
	l := rendered(t, m)
	if strings.ContainsAny(l.Subject, "\r\n") || strings.Contains(l.HTML, "<script") || strings.Contains(l.HTML, `href="javascript:`) {
		t.Errorf("got %q and\n%s", l.Subject, l.HTML)
	}
}

func TestRenderRefusesWhatIsIncomplete(t *testing.T) {
	t.Parallel()
	templates, err := readTemplates(greetings(), "Guild")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Message){
		"unknown template": func(m *Message) { m.Template = "notes.other" },
		"other folder":     func(m *Message) { m.Template = "../en/notes.greet" },
		"missing key":      func(m *Message) { delete(m.Data, "Code") },
		"no data":          func(m *Message) { m.Data = nil },
		"reserved key":     func(m *Message) { m.Data["Product"] = "Bank" },
	} {
		m := greet("en")
		change(&m)
		before := maps.Clone(m.Data)
		if err := templates.render(m, &Letter{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if !maps.Equal(before, m.Data) {
			t.Errorf("%s: the caller's data changed", name)
		}
	}
}

func TestReadTemplatesFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(fstest.MapFS){
		"a language":      func(f fstest.MapFS) { delete(f, "pl/notes.greet.txt"); delete(f, "pl/notes.greet.html") },
		"the HTML":        func(f fstest.MapFS) { delete(f, "zh/notes.greet.html") },
		"the text":        func(f fstest.MapFS) { delete(f, "en/notes.greet.txt") },
		"the subject":     func(f fstest.MapFS) { f["pl/notes.greet.txt"] = &fstest.MapFile{Data: []byte("Cześć")} },
		"an end":          func(f fstest.MapFS) { f["pl/notes.greet.html"] = &fstest.MapFile{Data: []byte("{{if .Who}}")} },
		"a letter in one": func(f fstest.MapFS) { f["en/notes.more.txt"] = f["en/notes.greet.txt"] },
		"everything":      func(f fstest.MapFS) { clear(f) },
	} {
		files := greetings()
		change(files)
		if _, err := readTemplates(files, "Guild"); err == nil {
			t.Errorf("nobody missed %s", name)
		}
	}
}
