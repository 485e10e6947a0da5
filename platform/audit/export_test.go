package audit

import (
	"bytes"
	"strings"
	"testing"
)

func (w *world) export() string {
	w.t.Helper()
	var out bytes.Buffer
	if err := w.log.Export(w.t.Context(), &out); err != nil {
		w.t.Fatal(err)
	}
	return out.String()
}

func TestExportVerifies(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		empty, err := VerifyExport(strings.NewReader(w.export()), w.log.VerifierKey())
		if err != nil || !empty.OK() {
			t.Fatal(empty, err)
		}
		w.record(w.log, Entry{Actor: "a", Action: "b", Subject: "<&>\u2028 żółć 证书", Detail: map[string]any{"x": "<>"}})
		w.append(6)
		report, err := VerifyExport(strings.NewReader(w.export()), w.log.VerifierKey())
		if err != nil || !report.OK() || report.Rows != 7 || report.Head.Note != w.head().Note {
			t.Fatal(report, err)
		}
	})
}

func TestTamperedExport(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.append(6)
		good := strings.SplitAfter(strings.TrimSpace(w.export()), "\n")
		w.forge(4, true)
		forged := w.export()
		join := func(parts ...[]string) string {
			var b strings.Builder
			for _, p := range parts {
				b.WriteString(strings.Join(p, ""))
			}
			return b.String()
		}
		for name, tc := range map[string]struct {
			text string
			want []string
		}{
			"changed":                  {strings.Replace(join(good), "adm_1", "adm_2", 1), []string{"row 0 changed"}},
			"a space":                  {strings.Replace(join(good), `{"n":6}`, `{"n": 6}`, 1), []string{"row 0 changed"}},
			"removed":                  {join(good[:2], good[4:]), []string{"rows 2 to 3 removed"}},
			"inserted":                 {join(good[:3], good[1:2], good[3:]), []string{"row 1 inserted"}},
			"truncated":                {join(good[:4], good[6:]), []string{"rows 4 to 5 truncated"}},
			"no head":                  {join(good[:6]), []string{"bad_head"}},
			"another head":             {strings.Replace(join(good), `audit\n6`, `audit\n7`, 1), []string{"bad_head"}},
			"rewritten with its hash":  {forged, []string{"bad_head"}},
			"a row that is not signed": {join(good[:6], []string{strings.Replace(good[5], `"seq":5`, `"seq":6`, 1)}, good[6:]), []string{"row 6 changed", "row 6 inserted"}},
		} {
			report, err := VerifyExport(strings.NewReader(tc.text), w.log.VerifierKey())
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			t.Run(name, func(t *testing.T) { compare(t, report, tc.want) })
		}
		for _, text := range []string{"nonsense\n", `{"entry":{"seq":0}}`, `{"other":1}`, join(good, []string{"\n"}, good[:1])} {
			if _, err := VerifyExport(strings.NewReader(text), w.log.VerifierKey()); err == nil {
				t.Errorf("%.20q passed for an export", text)
			}
		}
	})
}

func TestParseHead(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.append(3)
		head, err := ParseHead(w.head().Note, w.log.VerifierKey())
		if err != nil || head.Size != 3 {
			t.Fatal(head, err)
		}
		if _, err := ParseHead(strings.Replace(head.Note, "\n3\n", "\n2\n", 1), w.log.VerifierKey()); err == nil {
			t.Fatal("a changed head was taken")
		}
	})
}
