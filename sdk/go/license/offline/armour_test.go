package offline_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"guildhall/sdk/go/license/offline"
)

func armour(t testing.TB, text string) string {
	t.Helper()
	out, err := offline.Armour(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestArmour(t *testing.T) {
	t.Parallel()
	plain := issue(t, claims(), "new")
	armoured := armour(t, plain)
	lines := strings.Split(strings.TrimSuffix(armoured, "\n"), "\n")
	for i, line := range lines[1 : len(lines)-1] {
		if len(line) > 64 || len(line) < 64 && i != len(lines)-3 || !regexp.MustCompile(`^[A-Za-z0-9+/=]+$`).MatchString(line) {
			t.Errorf("line %d is %q", i+1, line)
		}
	}
	if again, err := offline.Plain(armoured); err != nil || again != plain {
		t.Errorf("%v\n%s\n%s", err, again, plain)
	}
	if armour(t, armoured) != armoured {
		t.Error("armour changes what is armoured")
	}
}

// What letters and chats do to a text.
func TestArmourSurvives(t *testing.T) {
	t.Parallel()
	plain := issue(t, claims(), "new")
	armoured := armour(t, plain)
	flat := strings.ReplaceAll(strings.TrimSpace(armoured), "\n", " ")
	body := strings.Split(armoured, "\n")
	for name, text := range map[string]string{
		"CRLF":              strings.ReplaceAll(armoured, "\n", "\r\n"),
		"CR":                strings.ReplaceAll(armoured, "\n", "\r"),
		"one line":          flat,
		"blank lines":       strings.ReplaceAll(armoured, "\n", "\n\n"),
		"indented":          "    " + strings.ReplaceAll(armoured, "\n", "\n\t  "),
		"answered twice":    "> > " + strings.ReplaceAll(armoured, "\n", "\n> > "),
		"a line at the bar": "| " + strings.ReplaceAll(armoured, "\n", "\n| "),
		"long dashes":       strings.ReplaceAll(armoured, "-----", "——-"),
		"no dashes":         strings.ReplaceAll(armoured, "-----", ""),
		"no-break spaces":   strings.ReplaceAll(flat, " ", "\u00a0"),
		"zero-width":        "\ufeff" + strings.ReplaceAll(armoured, "A", "\u200bA\u00ad"),
		"within a letter":   "Dear Anna,\nhere is your licence:\n\n" + armoured + "\nBest regards\n",
		"wrapped narrower":  body[0] + "\n" + regexp.MustCompile(`.{1,23}`).ReplaceAllString(strings.Join(body[1:len(body)-2], ""), "$0\n") + body[len(body)-2],
	} {
		if got, err := offline.Plain(text); err != nil || got != plain {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"wrapped":   regexp.MustCompile(`.{1,50}`).ReplaceAllString(plain, "$0\r\n"),
		"blanks":    " \t\n" + plain + "\n\n",
		"invisible": "\ufeff" + plain + "\u200b",
	} {
		if got, err := offline.Plain(text); err != nil || got != plain {
			t.Errorf("plain, %s: %v", name, err)
		}
	}
}

// What was damaged is said, by the line where that can be known.
func TestArmourThatIsDamaged(t *testing.T) {
	t.Parallel()
	armoured := armour(t, issue(t, claims(), "new"))
	lines := strings.SplitAfter(armoured, "\n")
	last := len(lines) - 3 // before END and the empty rest
	without := func(i, j int) string { return strings.Join(lines[:i], "") + strings.Join(lines[j:], "") }
	for name, c := range map[string]struct{ text, says string }{
		"line 3 missing":   {without(3, 4), "line 3 "},
		"line 2 twice":     {strings.Join(lines[:3], "") + strings.Join(lines[2:], ""), "line 3 "},
		"lines swapped":    {strings.Join(lines[:4], "") + lines[5] + lines[4] + strings.Join(lines[6:], ""), "line 4 "},
		"one letter more":  {strings.Replace(armoured, lines[5], "x"+lines[5], 1), "line 5 "},
		"the last missing": {without(last, last+1), fmt.Sprintf("line %d ", last-1)},
		"no END":           {without(len(lines)-2, len(lines)), "last line"},
		"no BEGIN":         {without(0, 1), "beginning of the licence is missing"},
		"nothing between":  {lines[0] + lines[len(lines)-2], "no licence between"},
		"next to nothing":  {lines[0] + "xyz\n" + lines[len(lines)-2], "line 1 "},
		"prose":            {"please find the licence attached", "This is no licence"},
		"a space lost":     {strings.Replace(issue(t, claims(), "new"), ".", "", 1), "This is no licence"},
		"a strange letter": {issue(t, claims(), "new")[:200] + "é" + issue(t, claims(), "new")[200:], "the character é"},
		"cut":              {issue(t, claims(), "new")[:500], "is cut"},
	} {
		_, err := offline.Plain(c.text)
		if offline.CodeOf(err) != offline.Malformed || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
