package profile

import (
	"errors"
	"fmt"
)

// refusal says why a name is not certified: a sentence in English, and a word by
// which pages find theirs in other languages.
type refusal struct{ why, name, text string }

// Error is the sentence, without a capital and a full stop.
func (r *refusal) Error() string { return r.text }

func refuse(why, name, format string, args ...any) error {
	return &refusal{why: why, name: name, text: fmt.Sprintf(format, args...)}
}

// reasonOf are the arguments of a wrong name's field: Why, a word, and Name, the
// name as it was written. Nil when err is no refusal.
func reasonOf(err error) map[string]any {
	if r, ok := errors.AsType[*refusal](err); ok {
		return map[string]any{"Why": r.why, "Name": r.name}
	}
	return nil
}
