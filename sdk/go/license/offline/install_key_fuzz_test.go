package offline

import "testing"

// A file of an install key is refused with a reason, or has a key that can be asked with.
func FuzzInstallKey(f *testing.F) {
	f.Add(installKeyText + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
	f.Add(installKeyText + "AA")
	f.Add("{}")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := parseInstallKey(text, "install.key")
		if err != nil {
			if CodeOf(err) != KeyFile {
				t.Fatal(err)
			}
			return
		}
		if _, err := parsePublic(key.Public()); err != nil {
			t.Fatal(err)
		}
	})
}
