package cardid

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
)

// samples are some ids, among them those at the ends of the alphabet.
func samples(n int) []ID {
	ids := make([]ID, 0, n+3)
	for _, c := range []string{"0", "1", "Z"} {
		d := []byte(strings.Repeat(c, data))
		check := residue(d)
		ids = append(ids, ID(append(d, letters[check/32], letters[check%32])))
	}
	for range n {
		ids = append(ids, New())
	}
	return ids
}

// The proof that no single mistake and no swap is missed, whatever the id: the
// weights differ from each other and from zero.
func TestWeightsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[int]int{}
	weight := 1
	for i := range data {
		weight = weight * generator % prime
		seen[weight] = i
	}
	seen[prime-32], seen[prime-1] = data, data+1
	if _, zero := seen[0]; len(seen) != Length || zero {
		t.Errorf("%d weights differ, of %d: %v", len(seen), Length, seen)
	}
	order, power := 1, generator
	for ; power != 1; order++ {
		power = power * generator % prime
	}
	if order != prime-1 {
		t.Errorf("%d has the order %d and is no primitive root", generator, order)
	}
}

func TestEveryWrongCharacterIsFound(t *testing.T) {
	t.Parallel()
	for _, id := range samples(50) {
		for i := range Length {
			for _, c := range []byte(letters) {
				wrong := []byte(id)
				wrong[i] = c
				if got, err := Parse(string(wrong)); c == id[i] != (err == nil) || err != nil && !errors.Is(err, ErrTypo) {
					t.Fatalf("%s with %c at %d was read as %q, %v", id, c, i, got, err)
				}
			}
		}
	}
}

func TestEverySwapIsFound(t *testing.T) {
	t.Parallel()
	for _, id := range samples(200) {
		for i := range Length {
			for j := range i {
				swapped := []byte(id)
				swapped[i], swapped[j] = swapped[j], swapped[i]
				if _, err := Parse(string(swapped)); id[i] == id[j] != (err == nil) || err != nil && !errors.Is(err, ErrTypo) {
					t.Fatalf("%s with %d and %d swapped: %v", id, i, j, err)
				}
			}
		}
	}
}

// Each pair of check characters but the right one is wrong, also the three that are
// not under the prime.
func TestOneCheckIsRight(t *testing.T) {
	t.Parallel()
	for _, id := range samples(20) {
		right := 0
		for n := range 32 * 32 {
			if _, err := Parse(string(id[:data]) + string(letters[n/32]) + string(letters[n%32])); err == nil {
				right++
			}
		}
		if right != 1 {
			t.Errorf("%d checks are right for %s", right, id)
		}
	}
}

func TestParseTakesWhatPeopleType(t *testing.T) {
	t.Parallel()
	id := samples(0)[1] // 30 ones
	swap := strings.NewReplacer("1", "l", "0", "o")
	for name, text := range map[string]string{
		"canonical":        string(id),
		"shown":            id.Shown(),
		"small":            strings.ToLower(id.Shown()),
		"blanks":           " " + strings.ReplaceAll(id.Shown(), "-", "  ") + "\r\n",
		"letters":          swap.Replace(string(id)),
		"capitals":         strings.ToUpper(swap.Replace(string(id))),
		"i":                strings.ReplaceAll(string(id), "1", "i"),
		"long dashes":      strings.ReplaceAll(id.Shown(), "-", "\u2013"),
		"no-break dashes":  strings.ReplaceAll(id.Shown(), "-", "\u2011"),
		"no-break blanks":  strings.ReplaceAll(id.Shown(), "-", "\u00a0"),
		"zero width":       strings.ReplaceAll(id.Shown(), "-", "\u200b"),
		"byte order mark":  "\ufeff" + id.Shown(),
		"dashes elsewhere": "-" + string(id[:7]) + "--" + string(id[7:]) + "-",
	} {
		if got, err := Parse(text); err != nil || got != id {
			t.Errorf("%s: %q was read as %q, %v", name, text, got, err)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	id := string(New())
	for name, c := range map[string]struct {
		text   string
		want   error
		detail string
	}{
		"empty":     {"", ErrShape, "has 32 letters and digits, and this has 0"},
		"short":     {id[:31], ErrShape, "this has 31"},
		"long":      {id + "0", ErrShape, "this has 33"},
		"u":         {"U" + id[1:], ErrShape, `this has 'U'`},
		"kelvin":    {"\u212a" + id[1:], ErrShape, "letters and digits alone"},
		"full":      {"\uff10" + id[1:], ErrShape, "letters and digits alone"},
		"binary":    {"\xff" + id[1:], ErrShape, "letters and digits alone"},
		"very long": {strings.Repeat("-", 1<<20), ErrShape, "far longer"},
	} {
		if got, err := Parse(c.text); !errors.Is(err, c.want) || got != "" || !strings.Contains(err.Error(), c.detail) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestShownHashAndPrefix(t *testing.T) {
	t.Parallel()
	id := ID("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
	if got := id.Shown(); got != "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ" {
		t.Error(got)
	}
	sum := sha256.Sum256([]byte("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
	if !bytes.Equal(id.Hash(), sum[:]) || id.Prefix() != "0123" {
		t.Errorf("%x %s", id.Hash(), id.Prefix())
	}
	if ID("").Shown() != "" || ID("").Prefix() != "" {
		t.Error("no id has a text")
	}
}

func TestIDsUseAllLettersAlike(t *testing.T) {
	t.Parallel()
	count, seen := map[rune]int{}, map[ID]bool{}
	const ids = 4000
	for range ids {
		id := New()
		if got, err := Parse(id.Shown()); err != nil || got != id {
			t.Fatalf("%s was read as %s, %v", id, got, err)
		}
		seen[id] = true
		for _, r := range string(id[:data]) {
			count[r]++
		}
	}
	if len(seen) != ids || len(count) != 32 {
		t.Errorf("%d ids differ, with %d letters", len(seen), len(count))
	}
	for r, n := range count {
		if n < 3250 || n > 4250 { // 3750 are expected, with a deviation of 60
			t.Errorf("%c stands %d times", r, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	id := samples(0)[0]
	f.Add(string(id))
	f.Add(id.Shown())
	f.Add("\u212a" + string(id[1:]))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := Parse(text)
		if err != nil {
			if id != "" || !errors.Is(err, ErrShape) && !errors.Is(err, ErrTypo) {
				t.Errorf("%q was read as %q, %v", text, id, err)
			}
			return
		}
		if again, err := Parse(id.Shown()); err != nil || again != id {
			t.Errorf("%q was read as %q, and that as %q, %v", text, id, again, err)
		}
	})
}
