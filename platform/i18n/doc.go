// Package i18n speaks the reader's language: English, simplified Chinese and
// Polish.
//
// Each package that owns pages owns a catalogue: locales/{en,zh,pl}.json, flat
// keys with the owner's prefix ("ca.issue.title"). [NewBundle] joins the
// catalogues once at start; [Bundle.Context] puts the reader's language into a
// request's context, and T, Date, DateTime, Number, Relative and Duration read
// it from there.
//
// A message is a string, or an object of plural forms chosen by the argument
// "Count" ("one", "few", "many", "other": CLDR's names). Placeholders are
// written {{.Name}}. Package i18ntest proves a catalogue complete: a key that
// is missing in any language fails the tests of its owner.
package i18n
