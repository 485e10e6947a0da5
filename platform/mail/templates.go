package mail

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"text/template"
)

//go:embed layout
var layoutFiles embed.FS

// languages are the folders of templates. The first is for readers of others.
var languages = []string{"en", "zh", "pl"}

// reserved are the keys that Send adds to a message's data.
var reserved = []string{"To", "Name", "Product", "Language", "Subject"}

// templates are the letters of a service in all languages.
type templates struct {
	product string
	// letters by folder and name: "pl/identity.reset".
	letters map[string]letterTemplate
}

// letterTemplate is one letter in one language.
type letterTemplate struct {
	text *template.Template
	html *htmltemplate.Template
}

// link is what the part "button" of the layout shows.
type link struct{ URL, Text string }

func makeLink(url, text string) link { return link{url, text} }

// readTemplates parses all letters and proves that none lacks a language or half.
func readTemplates(files fs.FS, product string) (*templates, error) {
	t := &templates{product: product, letters: map[string]letterTemplate{}}
	names, err := letterNames(files)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		for _, language := range languages {
			key := language + "/" + name
			if t.letters[key], err = readLetterTemplate(files, language, key); err != nil {
				return nil, fmt.Errorf("read the mail template %s: %w", key, err)
			}
		}
	}
	return t, nil
}

// letterNames are the letters that any language has.
func letterNames(files fs.FS) ([]string, error) {
	names := map[string]bool{}
	for _, language := range languages {
		entries, err := fs.ReadDir(files, language)
		if err != nil {
			return nil, fmt.Errorf("read the mail templates: %w", err)
		}
		for _, e := range entries {
			if ext := path.Ext(e.Name()); ext == ".txt" || ext == ".html" {
				names[strings.TrimSuffix(e.Name(), ext)] = true
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("read the mail templates: there are none")
	}
	return slices.Sorted(maps.Keys(names)), nil
}

func readLetterTemplate(files fs.FS, language, key string) (t letterTemplate, err error) {
	source, err := fs.ReadFile(files, key+".txt")
	if err != nil {
		return t, err
	}
	t.text = template.New("content").Option("missingkey=error")
	if _, err = t.text.ParseFS(layoutFiles, "layout/layout.txt", "layout/"+language+".txt"); err != nil {
		return t, err
	}
	if _, err = t.text.Parse(string(source)); err != nil {
		return t, err
	}
	if t.text.Lookup("subject") == nil {
		return t, fmt.Errorf(`the text has no {{define "subject"}}`)
	}
	if source, err = fs.ReadFile(files, key+".html"); err != nil {
		return t, err
	}
	t.html = htmltemplate.New("content").Option("missingkey=error").Funcs(htmltemplate.FuncMap{"link": makeLink})
	if _, err = t.html.ParseFS(layoutFiles, "layout/layout.html", "layout/"+language+".txt"); err != nil {
		return t, err
	}
	_, err = t.html.Parse(string(source))
	return t, err
}

// folder is the folder of templates for a reader's language.
func folder(language string) string {
	language, _, _ = strings.Cut(language, "-")
	if slices.Contains(languages, language) {
		return language
	}
	return languages[0]
}

// render fills the letter's subject, text and HTML.
func (t *templates) render(m Message, l *Letter) error {
	language := folder(m.Language)
	letter, ok := t.letters[language+"/"+m.Template]
	if !ok {
		return fmt.Errorf("write a letter: there is no template %q", m.Template)
	}
	data := maps.Clone(m.Data)
	if data == nil {
		data = map[string]any{}
	}
	for _, key := range reserved {
		if _, taken := data[key]; taken {
			return fmt.Errorf("write the letter %s: its data sets %s, which is reserved", m.Template, key)
		}
	}
	data["To"], data["Name"], data["Product"], data["Language"] = m.To, m.Name, t.product, language
	if err := letter.write(data, l); err != nil {
		return fmt.Errorf("write the letter %s: %w", m.Template, err)
	}
	return nil
}

func (t letterTemplate) write(data map[string]any, l *Letter) error {
	var out strings.Builder
	if err := t.text.ExecuteTemplate(&out, "subject", data); err != nil {
		return err
	}
	if l.Subject = line(out.String(), maxSubject); l.Subject == "" {
		return fmt.Errorf("its subject is empty")
	}
	data["Subject"] = l.Subject
	out.Reset()
	if err := t.text.ExecuteTemplate(&out, "layout.txt", data); err != nil {
		return err
	}
	l.Text = strings.TrimSpace(out.String()) + "\n"
	out.Reset()
	if err := t.html.ExecuteTemplate(&out, "layout.html", data); err != nil {
		return err
	}
	l.HTML = out.String()
	return nil
}
