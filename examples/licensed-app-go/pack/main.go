// Command pack encrypts a program's data with the handshake key of a release, at the
// vendor's:
//
//	pack handshake.key ID materials.csv materials.dat
//
// The packed file is one line with the id of the key, which is no secret, then twelve bytes
// of nonce, then what AES-256-GCM makes of the data. The line counts: the file does not open
// with another one.
package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: pack KEY-FILE KEY-ID PLAIN PACKED")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(keyFile, keyID, plain, packed string) error {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(plain)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	head, nonce := []byte("materials 1 "+keyID+"\n"), make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce) // never fails: it ends the process instead
	return os.WriteFile(packed, gcm.Seal(append(head, nonce...), nonce, data, head), 0o600)
}
