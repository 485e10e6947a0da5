package sealed

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestKeysHaveTheirTime(t *testing.T) {
	t.Parallel()
	public, root, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 999, time.FixedZone("", 3600))
	key := func(id byte, from, to time.Duration) PublicKey {
		return PublicKey{KeyID{id}, KeyBytes{id}, now.Add(from), now.Add(to)}
	}
	text, err := SignConfiguration(root, Configuration{Product: "p", Serial: 1, IssuedAt: now, ExpiresAt: now.Add(24 * time.Hour),
		AnswerKeys: []PublicKey{key(1, -time.Hour, time.Hour), key(2, 0, 2*time.Hour)},
		HPKEKeys:   []PublicKey{key(3, 0, 2*time.Hour), key(4, -time.Hour, time.Hour), key(5, time.Hour, 3*time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	pin := Pin{Root: public, Product: "p"}
	c, err := OpenConfiguration(pin, " "+text+"\n", now)
	if err != nil {
		t.Fatal(err)
	}
	if !c.IssuedAt.Equal(now.Truncate(time.Second)) || c.Addresses != nil {
		t.Errorf("opened %+v", c)
	}
	for _, at := range []struct {
		after         time.Duration
		first, second bool
		hpke          byte
	}{
		{-2 * time.Hour, false, false, 0}, {-time.Minute, true, false, 4}, {0, true, true, 3},
		{time.Hour - time.Second, true, true, 3}, {time.Hour, false, true, 5}, {2 * time.Hour, false, false, 5}, {3 * time.Hour, false, false, 0},
	} {
		answers := c.AnswersAt(now.Add(at.after))
		for id, want := range map[byte]bool{1: at.first, 2: at.second, 3: false} {
			if got, err := answers(KeyID{id}); want != (err == nil) || want && [32]byte(got) != [32]byte{id} || !want && !errors.Is(err, ErrKey) {
				t.Errorf("after %v: answer key %d is %x, %v", at.after, id, got, err)
			}
		}
		if k, err := c.HPKEKeyAt(now.Add(at.after)); k.ID != (KeyID{at.hpke}) || (at.hpke == 0) != errors.Is(err, ErrKey) {
			t.Errorf("after %v: %v, %v", at.after, k.ID, err)
		}
	}
	if _, err := c.AnswersAt(time.Time{})(KeyID{2}); err != nil {
		t.Errorf("at no time: %v", err)
	}
	if _, err := c.AnswersAt(time.Time{})(KeyID{3}); !errors.Is(err, ErrKey) {
		t.Errorf("at no time an unknown key: %v", err)
	}
}

func TestSignRefusesWhatOpenWould(t *testing.T) {
	t.Parallel()
	_, root, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	key := PublicKey{NewKeyID(), KeyBytes{1}, now, now.Add(time.Hour)}
	for name, c := range map[string]struct {
		change func(*Configuration)
		says   string
	}{
		"product":   {func(c *Configuration) { c.Product = "" }, "no product"},
		"serial":    {func(c *Configuration) { c.Serial = 1 << 53 }, "serial"},
		"times":     {func(c *Configuration) { c.ExpiresAt = now }, "expires before"},
		"keys":      {func(c *Configuration) { c.AnswerKeys = nil }, "no answer key"},
		"twice":     {func(c *Configuration) { c.AnswerKeys = append(c.AnswerKeys, key) }, "two keys"},
		"many":      {func(c *Configuration) { c.Addresses = make([]string, 33) }, "more than 32"},
		"address":   {func(c *Configuration) { c.Addresses = []string{"https://x?y"} }, `"https://x?y"`},
		"long":      {func(c *Configuration) { c.Addresses = []string{"https://x/" + strings.Repeat("y", 64<<10)} }, "may have 65536"},
		"key times": {func(c *Configuration) { c.HPKEKeys[0].NotAfter = now }, "ends before it begins"},
	} {
		good := Configuration{Product: "p", Serial: 1, IssuedAt: now, ExpiresAt: now.Add(time.Hour), AnswerKeys: []PublicKey{key}, HPKEKeys: []PublicKey{key}}
		if _, err := SignConfiguration(root, good); err != nil {
			t.Fatal(err)
		}
		c.change(&good)
		if text, err := SignConfiguration(root, good); !errors.Is(err, ErrFormat) || text != "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := Configuration{Product: "p", Serial: 1, IssuedAt: now, ExpiresAt: now.Add(time.Hour), AnswerKeys: []PublicKey{key}}
	if _, err := SignConfiguration(nil, good); !errors.Is(err, ErrKey) {
		t.Errorf("without a root key: %v", err)
	}
}
