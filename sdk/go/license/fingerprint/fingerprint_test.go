package fingerprint_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"guildhall/sdk/go/license/fingerprint"
)

func TestDigestOfWhatIsTheSame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][]string{
		fingerprint.MAC:        {"00:1A:2B:3C:4D:5E", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e", " 001A2B3C4D5E\n"},
		fingerprint.DMIUUID:    {"4C4C4544-0042-3510-8052-B4C04F4E4E32", "{4c4c4544-0042-3510-8052-b4c04f4e4e32}", "4c4c4544004235108052b4c04f4e4e32"},
		fingerprint.MachineID:  {"d1c0b2a3948576675849302112233445\n", "D1C0B2A3-9485-7667-5849-302112233445"},
		fingerprint.Disk:       {"S4EWNX0R 123456", "s4ewnx0r123456", "\x00S4EWNX0R123456  "},
		fingerprint.TPM:        {"AbCd+/=", "abcd+/="},
		fingerprint.InstallKey: {"q7-_", "Q7-_"},
	} {
		want, ok := fingerprint.Digest("acme", name, c[0])
		if !ok || len(want) != 43 {
			t.Errorf("%s %q: %q, %v", name, c[0], want, ok)
		}
		for _, value := range c[1:] {
			if got, ok := fingerprint.Digest("acme", name, value); !ok || got != want {
				t.Errorf("%s: %q makes another digest than %q", name, value, c[0])
			}
		}
	}
}

func TestDigestTellsApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, c := range [][3]string{
		{"acme", "disk", "a1"}, {"acme", "disk", "a2"}, {"acme", "disk", "a-1"}, {"acme", "dis", "ka1"},
		{"acme", "tpm", "a1"}, {"acm", "disk", "a1"}, {"acme2", "disk", "a1"}, {"acme", "disk", "é1"}, {"acme", "disk", "É1"},
	} {
		digest, ok := fingerprint.Digest(c[0], c[1], c[2])
		if other, twice := seen[digest]; !ok || twice {
			t.Errorf("%q makes the digest of %s", c, other)
		}
		seen[digest] = fmt.Sprint(c)
	}
}

func TestDigestOfNothing(t *testing.T) {
	t.Parallel()
	for kind, values := range map[string][]string{
		fingerprint.Disk: {"", "  ", "\t\n", "\x00\x00", "0", "0000 0000", "FFFFFFFF", "ffff-ffff", "........", "----", "XXXXXXXX", "None", "N/A",
			"To be filled by O.E.M.", "to be filled by O.E.M", "TO BE FILLED BY OEM", "Default string", "Not Specified", "Not Applicable", "System Serial Number",
			"123456789", "0123456789", "Unknown"},
		fingerprint.DMIUUID: {"00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "{ffffffff-ffff-ffff-ffff-ffffffffffff}",
			"03000200-0400-0500-0006-000700080009", "Not Present", "To Be Filled By O.E.M."},
		fingerprint.MachineID: {"uninitialized\n", "00000000000000000000000000000000"},
		fingerprint.MAC: {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "02:42:ac:11:00:02", "52:54:00:12:34:56", "da:a1:19:00:00:01", "01:00:5e:00:00:fb",
			"33:33:00:00:00:01", "00:1a:2b:3c:4d", "00:1a:2b:3c:4d:5e:6f", "00:1a:2b:3c:4d:5g", "eth0"},
	} {
		for _, value := range values {
			if got, ok := fingerprint.Digest("acme", kind, value); ok || got != "" {
				t.Errorf("%s %q has the digest %s", kind, value, got)
			}
		}
	}
}

func TestNetworkCardsOfManufacturersCount(t *testing.T) {
	t.Parallel()
	for _, mac := range []string{"00:50:56:12:34:56", "a4:83:e7:00:00:01", "08:00:27:aa:bb:cc", "3c:22:fb:01:02:03", "00:00:00:00:00:01"} {
		if _, ok := fingerprint.Digest("acme", fingerprint.MAC, mac); !ok {
			t.Errorf("%s has no digest", mac)
		}
	}
}

// parts makes components of words such as "tpm=a" and "mac#2=b".
func parts(text string) fingerprint.Components {
	c := fingerprint.Components{}
	for word := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(word, "=")
		c[name] = value
	}
	return c
}

func shownAs(c fingerprint.Components) string {
	words := []string{}
	for _, name := range slices.Sorted(maps.Keys(c)) {
		words = append(words, name+"="+c[name])
	}
	return strings.Join(words, " ")
}

func TestCompare(t *testing.T) {
	t.Parallel()
	whole := "tpm=t dmi_uuid=d machine_id=m disk=k mac=a" // 3+2+2+2+1 = 10
	for name, c := range map[string]struct {
		enrolled, shown string
		rule            fingerprint.Rule
		weight, of      int
		differs         string // changed, missing, new
		same            bool
	}{
		"the same":             {whole, whole, fingerprint.Rule{}, 10, 10, "[] [] []", true},
		"another network card": {whole, "tpm=t dmi_uuid=d machine_id=m disk=k mac=b", fingerprint.Rule{}, 9, 10, "[mac] [] []", true},
		"another disk and card": {whole, "tpm=t dmi_uuid=d machine_id=m disk=l mac=b", fingerprint.Rule{},
			7, 10, "[disk mac] [] []", true},
		"just enough": {whole, "dmi_uuid=d machine_id=m disk=k", fingerprint.Rule{}, 6, 10, "[] [mac tpm] []", true},
		"a bit less":  {whole, "tpm=t disk=k", fingerprint.Rule{}, 5, 10, "[] [dmi_uuid mac machine_id] []", false},
		"a cloned disk": {whole, "tpm=u dmi_uuid=e machine_id=m disk=k mac=b", fingerprint.Rule{},
			4, 10, "[dmi_uuid mac tpm] [] []", false},
		"nothing shown":        {whole, "", fingerprint.Rule{}, 0, 10, "[] [disk dmi_uuid mac machine_id tpm] []", false},
		"nothing enrolled":     {"", whole, fingerprint.Rule{}, 0, 0, "[] [] [disk dmi_uuid mac machine_id tpm]", false},
		"nothing at all":       {"", "", fingerprint.Rule{}, 0, 0, "[] [] []", false},
		"more than before":     {"machine_id=m", whole, fingerprint.Rule{}, 2, 2, "[] [] [disk dmi_uuid mac tpm]", true},
		"without root":         {whole, "machine_id=m disk=k mac=a", fingerprint.Rule{}, 5, 10, "[] [dmi_uuid tpm] []", false},
		"a kind nobody weighs": {"tpm=t dongle=x", "tpm=t dongle=y", fingerprint.Rule{}, 3, 3, "[dongle] [] []", true},
		"only such a kind":     {"dongle=x", "dongle=x", fingerprint.Rule{}, 0, 0, "[] [] []", false},
		"weights of a policy": {"tpm=t dongle=x", "tpm=u dongle=x", fingerprint.Rule{Weights: map[string]int{"dongle": 3, "tpm": 2}},
			3, 5, "[tpm] [] []", true},
		"the whole":           {whole, "tpm=t dmi_uuid=d machine_id=m disk=k mac=b", fingerprint.Rule{Share: 1}, 9, 10, "[mac] [] []", false},
		"seven tenths":        {whole, "tpm=t dmi_uuid=d machine_id=m", fingerprint.Rule{Share: 0.7}, 7, 10, "[] [disk mac] []", true},
		"cards in new places": {"mac=a mac#2=b mac#3=c", "mac=c mac#2=a mac#3=b", fingerprint.Rule{}, 3, 3, "[] [] []", true},
		"one of three cards":  {"mac=a mac#2=b mac#3=c", "mac=c mac#2=d mac#3=b", fingerprint.Rule{}, 2, 3, "[mac] [] []", true},
		"two of three cards":  {"mac=a mac#2=b mac#3=c", "mac=c mac#2=d mac#3=e", fingerprint.Rule{}, 1, 3, "[mac mac#2] [] []", false},
		"a card less":         {"mac=a mac#2=b mac#3=c", "mac=c mac#2=a", fingerprint.Rule{}, 2, 3, "[] [mac#2] []", true},
		"a card more":         {"mac=a mac#2=b", "mac=c mac#2=a mac#3=b", fingerprint.Rule{}, 2, 2, "[] [] [mac]", true},
		"the same card again": {"mac=a mac#2=b", "mac=a mac#2=a mac#3=a", fingerprint.Rule{}, 1, 2, "[] [mac#2] []", false},
		"enrolled twice":      {"mac=a mac#2=a", "mac=a", fingerprint.Rule{}, 1, 1, "[] [] []", true},
		"a digest of another": {"disk=x", "tpm=x", fingerprint.Rule{}, 0, 2, "[] [disk] [tpm]", false},
	} {
		m := fingerprint.Compare(parts(c.enrolled), parts(c.shown), c.rule)
		differs := fmt.Sprint(m.Changed, m.Missing, m.New)
		if m.Weight != c.weight || m.Of != c.of || m.Same != c.same || differs != c.differs || m.Differs() != (differs != "[] [] []") {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestLearn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		enrolled, shown, want string // empty: nothing is learned
	}{
		"a card":            {"tpm=t disk=k mac=a", "tpm=t disk=k mac=b", "disk=k mac=b tpm=t"},
		"the heavier":       {"tpm=t dmi_uuid=d machine_id=m disk=k mac=a", "tpm=t dmi_uuid=d machine_id=m disk=l mac=b", "disk=l dmi_uuid=d mac=a machine_id=m tpm=t"},
		"one of many cards": {"tpm=t mac=a mac#2=b", "tpm=t mac=b mac#2=c", "mac=c mac#2=b tpm=t"},
		"nothing":           {"tpm=t disk=k", "tpm=t disk=k", ""},
		"no new part":       {"tpm=t", "tpm=t disk=k mac=b", ""},
		"no loss":           {"tpm=t disk=k mac=a", "tpm=t disk=k", ""},
		"no other machine":  {"tpm=t disk=k mac=a", "tpm=u disk=l mac=a", ""},
		"nothing of none":   {"", "tpm=t", ""},
	} {
		enrolled := parts(c.enrolled)
		got, ok := fingerprint.Learn(enrolled, parts(c.shown), fingerprint.Rule{})
		switch {
		case c.want == "" && (ok || !cmp.Equal(got, enrolled)):
			t.Errorf("%s: %s is learned", name, shownAs(got))
		case c.want != "" && (!ok || shownAs(got) != c.want):
			t.Errorf("%s: %s is learned, and not %s", name, shownAs(got), c.want)
		}
		if !cmp.Equal(enrolled, parts(c.enrolled)) {
			t.Errorf("%s: what was enrolled is changed to %s", name, shownAs(enrolled))
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	c := fingerprint.Components{}
	for _, digest := range []string{"a", "b", "a", "", "c"} {
		c.Add(fingerprint.MAC, digest)
	}
	c.Add(fingerprint.TPM, "a")
	if got := shownAs(c); got != "mac=a mac#2=b mac#3=c tpm=a" {
		t.Error(got)
	}
	for i := range 20 {
		c.Add(fingerprint.MAC, fmt.Sprint(i))
	}
	if len(c) != fingerprint.MaxOfKind+1 || fingerprint.Kind("mac#2") != "mac" || fingerprint.Kind("mac") != "mac" {
		t.Errorf("%v", c)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	digest, _ := fingerprint.Digest("acme", "tpm", "x1")
	good := fingerprint.Components{"tpm": digest, "mac": digest, "mac#2": digest[1:] + "A", "mac#8": digest[2:] + "AA", "dongle_3": digest}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	if err := fingerprint.Components(nil).Check(); err != nil {
		t.Error(err)
	}
	many := fingerprint.Components{}
	for i := range fingerprint.MaxComponents + 1 {
		many[fmt.Sprint("k", i)] = digest
	}
	for want, c := range map[string]fingerprint.Components{
		"33 components":           many,
		"of the kind mac have":    {"tpm": digest, "mac": digest, "mac#3": digest},
		`"Mac" is no name`:        {"Mac": digest},
		`"mac#1" is no name`:      {"mac#1": digest},
		`"mac#9" is no name`:      {"mac#9": digest},
		`"mac#22" is no name`:     {"mac#22": digest},
		`"mac\n" is no name`:      {"mac\n": digest},
		`"" is no name`:           {"": digest},
		"component tpm has no di": {"tpm": digest[:42]},
		"component mac has no di": {"mac": digest[:42] + "="},
		"component dmi has no di": {"dmi": ""},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
