package sealed

import (
	"crypto/ed25519"
	"fmt"
)

const (
	proofLen    = ed25519.SignatureSize
	answerFrame = keyIDLen + ed25519.SignatureSize
)

// appendRequest writes the plain text of a sealed request: its proof, of which
// zeros stand for none, and its body.
func appendRequest(to, proof, body []byte) []byte {
	var frame [proofLen]byte
	copy(frame[:], proof)
	return append(append(to, frame[:]...), body...)
}

// splitRequest reads what appendRequest wrote.
func splitRequest(plain []byte) (proof, body []byte, err error) {
	if len(plain) < proofLen || len(plain) > proofLen+MaxBody {
		return nil, nil, fmt.Errorf("%w: inside are %d bytes, where %d to %d can be", ErrFormat, len(plain), proofLen, proofLen+MaxBody)
	}
	return someProof(plain[:proofLen]), plain[proofLen:], nil
}

// someProof is a proof, or nil for zeros.
func someProof(proof []byte) []byte {
	if [proofLen]byte(proof) == ([proofLen]byte{}) {
		return nil
	}
	return proof
}

// signed is an answer with its signature.
type signed struct {
	id        KeyID
	signature []byte
	body      []byte
}

// plain is the plain text of a sealed answer.
func (s signed) plain() []byte {
	return append(append(append(make([]byte, 0, answerFrame+len(s.body)), s.id[:]...), s.signature...), s.body...)
}

// splitAnswer reads what plain wrote.
func splitAnswer(plain []byte) (signed, error) {
	if len(plain) < answerFrame || len(plain) > answerFrame+MaxBody {
		return signed{}, fmt.Errorf("%w: inside are %d bytes, where %d to %d can be", ErrFormat, len(plain), answerFrame, answerFrame+MaxBody)
	}
	return signed{KeyID(plain[:keyIDLen]), plain[keyIDLen:answerFrame], plain[answerFrame:]}, nil
}
