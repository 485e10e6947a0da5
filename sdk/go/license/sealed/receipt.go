package sealed

import "fmt"

// Receipt is an answer with all that its signature covers, for a client that keeps it
// and goes by it while the server cannot be reached.
type Receipt struct {
	Params    Params `json:"params"`
	Request   []byte `json:"request"`
	Answer    []byte `json:"answer"`
	Key       KeyID  `json:"key"`
	Signature []byte `json:"signature"`
}

// Verify says whether the answer is signed by one of the keys.
func (r Receipt) Verify(keys AnswerKeys) error {
	key, err := keys(r.Key)
	if err != nil {
		return err
	}
	if err := verify(key, answerText(r.Params, r.Request, r.Answer), r.Signature); err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	return nil
}
