package i18n

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Language is one of the languages that pages speak.
type Language struct {
	// Code is the BCP 47 tag: "en", "zh-CN", "pl".
	Code string
	// Name is what its own readers call it.
	Name string
	// File is the catalogue's file name without ".json".
	File string
}

// Languages lists what pages speak, the fallback first.
func Languages() []Language {
	return []Language{
		{Code: "en", Name: "English", File: "en"},
		{Code: "zh-CN", Name: "简体中文", File: "zh"},
		{Code: "pl", Name: "Polski", File: "pl"},
	}
}

// Codes lists the codes of Languages, as in "Choose one of: en, zh-CN, pl.".
func Codes() string {
	var codes []string
	for _, l := range Languages() {
		codes = append(codes, l.Code)
	}
	return strings.Join(codes, ", ")
}

//go:embed locales/*.json
var locales embed.FS

// Locales is the catalogue of this package's own sentences. NewBundle adds it
// by itself.
func Locales() fs.FS { return locales }

// Bundle holds every catalogue of the process. It does not change after
// NewBundle and is safe for concurrent use.
type Bundle struct {
	matcher language.Matcher
	readers []*reader
}

// NewBundle joins catalogues; each holds en.json, zh.json and pl.json at its
// root or under locales/. A file that cannot be read and a key that two
// catalogues define are errors.
func NewBundle(catalogues ...fs.FS) (*Bundle, error) {
	messages := goi18n.NewBundle(language.English)
	b := &Bundle{}
	var tags []language.Tag
	for _, l := range Languages() {
		tag := language.MustParse(l.Code)
		tags = append(tags, tag)
		plain := map[string]string{}
		for _, catalogue := range append([]fs.FS{locales}, catalogues...) {
			if err := load(messages, tag, l, catalogue, plain); err != nil {
				return nil, err
			}
		}
		b.readers = append(b.readers, &reader{
			lang: l.Code, format: formats(l.Code), plain: plain,
			localizer: goi18n.NewLocalizer(messages, l.Code),
		})
	}
	b.matcher = language.NewMatcher(tags)
	return b, nil
}

// load adds one file to messages, and its sentences without placeholders and
// plurals to plain, where they are found without running a template.
func load(messages *goi18n.Bundle, tag language.Tag, l Language, catalogue fs.FS, plain map[string]string) error {
	text, err := ReadCatalogue(catalogue, l)
	if err != nil {
		return err
	}
	parsed, err := goi18n.ParseMessageFileBytes(text, l.Code+".json",
		map[string]goi18n.UnmarshalFunc{"json": json.Unmarshal})
	if err != nil {
		return fmt.Errorf("parse catalogue %s.json: %w", l.File, err)
	}
	for _, m := range parsed.Messages {
		if _, taken := plain[m.ID]; taken {
			return fmt.Errorf("catalogue %s.json: key %q is defined twice; give it its owner's prefix", l.File, m.ID)
		}
		plain[m.ID] = plainText(m)
	}
	if err := messages.AddMessages(tag, parsed.Messages...); err != nil {
		return fmt.Errorf("add catalogue %s.json: %w", l.File, err)
	}
	return nil
}

// plainText is the message's only text, or "" when it needs a template.
func plainText(m *goi18n.Message) string {
	if m.One != "" || m.Few != "" || m.Many != "" || strings.Contains(m.Other, "{{") {
		return ""
	}
	return m.Other
}

// ReadCatalogue reads one language's file of a catalogue, from its root or
// from locales/.
func ReadCatalogue(catalogue fs.FS, l Language) ([]byte, error) {
	text, err := fs.ReadFile(catalogue, "locales/"+l.File+".json")
	if errors.Is(err, fs.ErrNotExist) {
		text, err = fs.ReadFile(catalogue, l.File+".json")
	}
	if err != nil {
		return nil, fmt.Errorf("read catalogue %s.json: %w", l.File, err)
	}
	return text, nil
}

// Context chooses the reader's language. Each of langs is a tag or a whole
// Accept-Language value, the most wanted first; empty and unreadable ones are
// passed over. Nothing understood means English.
func (b *Bundle) Context(ctx context.Context, langs ...string) context.Context {
	return context.WithValue(ctx, contextKey{}, b.readers[b.match(langs)])
}

func (b *Bundle) match(langs []string) int {
	for _, wanted := range langs {
		tags, _, err := language.ParseAcceptLanguage(wanted)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, index, confidence := b.matcher.Match(tags...); confidence > language.No {
			return index
		}
	}
	return 0
}
