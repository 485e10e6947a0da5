package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"guildhall/platform/seal"
)

func TestSealOpensOnlyUnchangedUnderTheSameKeyAndName(t *testing.T) {
	t.Parallel()
	key, other := seal.NewKey("ca"), seal.NewKey("ca")
	twin, err := seal.ParseKey(strings.Replace(key.Text(), ":ca:", ":mail:", 1), "mail")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed := key.Seal("totp/usr_1", plain)
		got, err := key.Open("totp/usr_1", sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened %x, %v", got, err)
		}
		if bytes.Equal(key.Seal("totp/usr_1", plain), sealed) {
			t.Fatal("the same secret looks the same twice")
		}
		refused := func(what string, key seal.Key, name string, sealed []byte) {
			if plain, err := key.Open(name, sealed); !errors.Is(err, seal.ErrOpen) || plain != nil {
				t.Fatalf("%s: %x, %v", what, plain, err)
			}
		}
		refused("another key", other, "totp/usr_1", sealed)
		refused("a key of the same bytes for another use", twin, "totp/usr_1", sealed)
		refused("another name", key, "totp/usr_2", sealed)
		refused("cut", key, "totp/usr_1", sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "length")])
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		refused("changed", key, "totp/usr_1", sealed)
	})
}

func TestDerivedKeysDiffer(t *testing.T) {
	t.Parallel()
	key := seal.NewKey("ca")
	if len(key.Derive("audit")) != 32 || !bytes.Equal(key.Derive("audit"), key.Derive("audit")) {
		t.Error("a derived key is not what it was")
	}
	root := [32]byte{7}
	for what, two := range map[string][2][]byte{
		"two purposes": {key.Derive("audit"), key.Derive("codes")},
		"two keys":     {key.Derive("audit"), seal.NewKey("ca").Derive("audit")},
		"two uses":     {seal.FromSecret(root, "ca").Derive("audit"), seal.FromSecret(root, "mail").Derive("audit")},
	} {
		if bytes.Equal(two[0], two[1]) {
			t.Errorf("%s have one derived key", what)
		}
	}
}

func TestKeyText(t *testing.T) {
	t.Parallel()
	key := seal.NewKey("identity")
	text := key.Text()
	back, err := seal.ParseKey(" "+text+"\r\n", "identity")
	if err != nil || back != key || back.ID() != key.ID() {
		t.Fatalf("parsed another key: %v", err)
	}
	secret := text[strings.LastIndexByte(text, ':')+1:]
	for _, bad := range []string{"", "x", secret, text[3:], text + "AA", text[:20], text[:len(text)-1], strings.ToUpper(text),
		text + "\n" + text, "guildhall-key-1:" + secret, "guildhall-key-1:" + secret + ":" + secret, text[:len(text)-1] + "*"} {
		_, err := seal.ParseKey(bad, "identity")
		if err == nil || !strings.Contains(err.Error(), "identity") || strings.Contains(err.Error(), secret[:10]) {
			t.Errorf("%d bytes of nonsense: %v", len(bad), err)
		}
	}
	// The last letter holds two bits that mean nothing: they have one form.
	if _, err := seal.ParseKey(seal.FromSecret([32]byte{}, "ca").Text()[:len("guildhall-key-1:ca:")+42]+"B", "ca"); err == nil {
		t.Error("one key has two texts")
	}
}

func TestPrintingAKeyTellsItsID(t *testing.T) {
	t.Parallel()
	key := seal.NewKey("mail")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if got, want := fmt.Sprintf(verb, key), "key for mail "+key.ID(); got != want {
			t.Errorf("%s prints %s", verb, got)
		}
		if got := fmt.Sprintf(verb, struct{ K seal.Key }{key}); !strings.Contains(got, key.ID()) {
			t.Errorf("%s inside a struct prints %s", verb, got)
		}
	}
}

func TestAKeyForAnotherUseIsNamed(t *testing.T) {
	t.Parallel()
	key := seal.NewKey("mail")
	_, err := seal.ParseKey(key.Text(), "identity")
	if err == nil || err.Error() != "this is a key for mail and not for identity" {
		t.Errorf("got %v", err)
	}
}

// What was sealed once must open in every later version.
func TestFormatStays(t *testing.T) {
	t.Parallel()
	key, err := seal.ParseKey("guildhall-key-1:ca:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "ca")
	if err != nil {
		t.Fatal(err)
	}
	if key.ID() != "8c37c6339dddd877" {
		t.Errorf("the id is %s", key.ID())
	}
	if audit := hex.EncodeToString(key.Derive("audit")); audit != "6b49c707cded780383c50fee059a87fc8a2431d8558ea1dedc989862c5e47fa9" {
		t.Errorf("the derived key is %s", audit)
	}
	sealed, err := hex.DecodeString("0105dd0bb983dfa1c46a18203aca983aec92ba3998dd6de0c3dec61520577ee511eb816f6c41835f4d0380fd09c158")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := key.Open("issuing", sealed); err != nil || string(plain) != "secret" {
		t.Errorf("opened %q, %v", plain, err)
	}
}
