package fingerprint_test

import (
	"strings"
	"testing"

	"guildhall/sdk/go/license/fingerprint"
)

func TestWellFormed(t *testing.T) {
	t.Parallel()
	for kind := range fingerprint.Weights() {
		if example := fingerprint.Example(kind); example != "" && !fingerprint.WellFormed(kind, example) {
			t.Errorf("the example of %s is not of its form", kind)
		}
	}
	for _, c := range []struct {
		kind, value string
		want        bool
	}{
		{fingerprint.MAC, "00-1B-44-11-3A-B7", true},
		{fingerprint.MAC, "00:1b:44:11:3a", false},
		{fingerprint.MAC, "00:1b:44:11:3a:bz", false},
		{fingerprint.MachineID, "xyz", false},
		{fingerprint.MachineID, "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}", true},
		{fingerprint.DMIUUID, "6F9619FF-8B86-D011-B42D-00CF4FC964F", false},
		{fingerprint.InstallKey, "short", false},
		{fingerprint.Disk, "S4EWNX0R123456", true},
		{fingerprint.Disk, "", false},
		{fingerprint.Disk, strings.Repeat("a", 129), false},
	} {
		if got := fingerprint.WellFormed(c.kind, c.value); got != c.want {
			t.Errorf("%s %q: %v, want %v", c.kind, c.value, got, c.want)
		}
	}
}
