package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/platform/config"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	secret := config.Secret("hunter2")
	holder := struct {
		P config.Secret
		M map[string]config.Secret
	}{secret, map[string]config.Secret{"k": secret}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "p", secret, "h", holder)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "p", secret, "h", holder, "l", []config.Secret{secret})
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10s", "%U"} {
		all += fmt.Sprintf(verb+verb+verb, secret, holder, &holder)
	}
	if strings.Contains(all, "hunter2") || strings.Contains(all, "68756e746572") {
		t.Errorf("shown: %s", all)
	}
	if secret.Reveal() != "hunter2" || config.Secret("").String() != "" {
		t.Error("Reveal or the empty secret is wrong")
	}
}

func TestDurationText(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for text, want := range map[string]time.Duration{"30s": 30 * time.Second, "24h": day, "90d": 90 * day, "1d12h": 36 * time.Hour,
		"0s": 0, "1h30m": 90 * time.Minute, "1500ms": 1500 * time.Millisecond, "0d": 0} {
		var d config.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.Std() != want {
			t.Errorf("%s: got %v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "d", "90", "-1h", "+1h", "1w", "1d-1h", "1h1d", "99999999999999999999d", "106752d", "106751d24h", "1.5d", "\n1d"} {
		var d config.Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken as %v", text, d)
		}
	}
	for d, want := range map[time.Duration]string{day: "24h", 2 * day: "2d", 90 * time.Minute: "1h30m", 0: "0s", 10 * time.Minute: "10m", 20 * time.Second: "20s"} {
		if got := config.Duration(d).String(); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}

func TestTextOfDurationsAndSizesReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, s := config.Duration(rapid.Int64Min(0).Draw(t, "duration")), config.Size(rapid.Int64Min(0).Draw(t, "size"))
		if rapid.Bool().Draw(t, "round") {
			d, s = d/config.Duration(time.Hour)*config.Duration(time.Hour), s>>20<<20
		}
		var d2 config.Duration
		if err := d2.UnmarshalText([]byte(d.String())); err != nil || d2 != d {
			t.Fatalf("duration %d is written %s and read %d (%v)", int64(d), d, int64(d2), err)
		}
		var s2 config.Size
		if err := s2.UnmarshalText([]byte(s.String())); err != nil || s2 != s {
			t.Fatalf("size %d is written %s and read %d (%v)", int64(s), s, int64(s2), err)
		}
	})
}

func TestSizeText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Size{"512": 512, "1B": 1, "16MiB": 16 << 20, "1kB": 1000, "2GB": 2e9, "1TiB": 1 << 40} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s: got %d, %v", text, int64(s), err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5MiB", "16 MiB", "1PiB", fmt.Sprint(uint64(math.MaxUint64)), "9999999999TiB"} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken as %d", text, int64(s))
		}
	}
}
