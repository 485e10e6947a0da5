package audit

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Head is a signed statement: the log has Size rows and their tree the hash
// Root. Kept outside of the database it proves later that nothing before it was
// lost or changed.
type Head struct {
	Size int64
	Root tlog.Hash
	// Note is the signed text, which is what to keep.
	Note string
}

// String is the signed text.
func (h Head) String() string { return h.Note }

// ParseHead reads a signed head and checks its signature against a verifier key
// (Log.VerifierKey).
func ParseHead(text, verifierKey string) (Head, error) {
	v, err := note.NewVerifier(verifierKey)
	if err != nil {
		return Head{}, fmt.Errorf("read verifier key: %w", err)
	}
	return openHead(text, v)
}

func openHead(text string, v note.Verifier) (Head, error) {
	n, err := note.Open([]byte(text), note.VerifierList(v))
	if err != nil {
		return Head{}, fmt.Errorf("check the signature of the head: %w", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != v.Name() {
		return Head{}, fmt.Errorf("the signed text is no head of the log %s", v.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Head{}, errors.New("the head has no valid size")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Head{}, errors.New("the head has no valid root hash")
	}
	return Head{Size: size, Root: root, Note: text}, nil
}

// signer signs heads; it implements note.Signer.
type signer struct {
	key ed25519.PrivateKey
	note.Verifier
}

// Sign signs msg.
func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

func (s signer) head(e *edge) (Head, error) {
	root := e.root()
	text := s.Name() + "\n" + strconv.FormatInt(e.size, 10) + "\n" + root.String() + "\n"
	msg, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		return Head{}, fmt.Errorf("sign head: %w", err)
	}
	return Head{Size: e.size, Root: root, Note: string(msg)}, nil
}
