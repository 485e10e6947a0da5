package app

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"guildhall/platform/config"
	"guildhall/platform/guildtest"
)

// later is a service that was not there when the data was made.
func later() Definition {
	d := notes(nil, nil)
	d.Name = "later"
	words := &fstest.MapFile{Data: []byte(`{"later.service.title": "Later", "later.service.purpose": "Came later"}`)}
	d.Locales = fstest.MapFS{"en.json": words, "zh.json": words, "pl.json": words}
	return d
}

func TestWhatWasNeverServedIsPassedOverAtRest(t *testing.T) {
	t.Parallel()
	for engine, change := range map[string]func(*Config){
		"sqlite":   func(*Config) {},
		"postgres": func(c *Config) { c.Databases.Default = config.Secret(guildtest.Postgres(t)) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := run(t, t.TempDir(), change)
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
			o := p.options
			o.Definitions = append(o.Definitions, later())
			files := map[string]string{}
			err := Local(t.Context(), o, func(c *Client) error { return c.Do(t.Context(), http.MethodPost, "/backup", nil, &files) })
			if err != nil || len(files) != 1 || files["notes"] == "" {
				t.Errorf("backed up %v, %v", files, err)
			}
			if _, err := os.Stat(filepath.Join(o.Config.Server.Data, "later", "later.db")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a database was made: %v", err)
			}
			o.Only = []string{"later"}
			if err := Local(t.Context(), o, func(*Client) error { return nil }); !errors.Is(err, errNoData) {
				t.Errorf("asked for by name: %v", err)
			}
			o.Only, o.Definitions = nil, []Definition{later()}
			if err := Local(t.Context(), o, func(*Client) error { return nil }); !errors.Is(err, errNoData) {
				t.Errorf("nothing is there: %v", err)
			}
		})
	}
}
