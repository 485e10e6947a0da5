package config_test

import (
	"errors"
	"strings"
	"testing"

	"guildhall/platform/config"
	"guildhall/platform/fault"
)

func TestLocateNamesThePlaceOfEachValue(t *testing.T) {
	t.Parallel()
	path := write(t, "s:\n  addr: x\n  names: [a,\n    b]\n  urls:\n    bank: y\n")
	f, err := config.Load(path, []string{"GUILDHALL_S_LIFE=90d"})
	if err != nil {
		t.Fatal(err)
	}
	s := sample{Port: 7}
	if err := f.Decode("s", &s); err != nil {
		t.Fatal(err)
	}
	wrong := func(keys ...string) error {
		var fields []fault.Field
		for _, key := range keys {
			fields = append(fields, fault.Field{Name: key, Code: "invalid", Detail: "No."})
		}
		return fault.Fields(fields...)
	}
	err = f.Locate(errors.Join(wrong("s.addr", "s.names[1]", "s.urls.bank"), nil, wrong("s.life", "s.port", "s.names[7]")))
	want := `FILE:2: s.addr: No.
FILE:4: s.names[1]: No.
FILE:6: s.urls.bank: No.
environment variable GUILDHALL_S_LIFE: s.life: No.
s.port: No.
FILE:3: s.names[7]: No.`
	if !errors.Is(err, config.ErrInvalid) || strings.ReplaceAll(err.Error(), path, "FILE") != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if fields := fault.As(err).Fields; len(fields) != 6 || fields[1].Name != "s.names[1]" {
		t.Errorf("fields %+v", fields)
	}
	again := f.Locate(errors.Join(err, wrong("s.addr", "s.port", "s.life", "s.names[0]")))
	if got := strings.ReplaceAll(again.Error(), path, "FILE"); got != want+"\nFILE:3: s.names[0]: No." {
		t.Errorf("what has its place beside what has none: %s", got)
	}
	plain := errors.New("disk")
	if f.Locate(plain) != plain || f.Locate(nil) != nil || f.Locate(err) != err { //nolint:errorlint // they come back themselves
		t.Error("an error without fields, or with places, is another one")
	}
}
