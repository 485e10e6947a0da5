package fingerprint

import "regexp"

// forms are those of the kinds whose values have one, as normal makes them.
var forms = map[string]struct {
	pattern *regexp.Regexp
	example string
}{
	MAC:        {regexp.MustCompile(`^[0-9a-f]{12}$`), "00:1b:44:11:3a:b7"},
	DMIUUID:    {regexp.MustCompile(`^[0-9a-f]{32}$`), "4c4c4544-0042-3510-8054-b7c04f4d3232"},
	MachineID:  {regexp.MustCompile(`^[0-9a-f]{32}$`), "7c1f5e0a9d2b4c6e8f0a1b2c3d4e5f60"},
	InstallKey: {regexp.MustCompile(`^[0-9a-z_-]{43}$`), "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"},
}

// WellFormed says whether a value, as a person typed it, can be one of the kind. A serial
// number may be any text of up to 128 bytes.
func WellFormed(kind, value string) bool {
	value = normal(kind, value)
	if form, has := forms[kind]; has {
		return form.pattern.MatchString(value)
	}
	return value != "" && len(value) <= 128
}

// Example is a well-formed value of a kind; empty if the kind's values have no form.
func Example(kind string) string { return forms[kind].example }
