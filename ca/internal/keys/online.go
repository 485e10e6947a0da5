package keys

import "os"

// PassphraseFile is where Root looks for the root's passphrase.
func (k *Keyring) PassphraseFile() string { return k.passFile }

// RootOnline says whether the passphrase's file is there. It does not open the
// key, which takes too long for a page.
func (k *Keyring) RootOnline() bool {
	_, err := os.Stat(k.passFile)
	return err == nil
}
