package fingerprint

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

// The kinds of components that everybody knows. A policy may weigh others.
const (
	TPM        = "tpm"         // the endorsement key of the security chip
	InstallKey = "install_key" // a key file that the installation made
	DMIUUID    = "dmi_uuid"    // the mainboard's UUID
	MachineID  = "machine_id"  // the operating system's id
	Disk       = "disk"        // the serial number of a disk
	MAC        = "mac"         // the universally administered address of a network card
)

// DefaultShare is the share of the enrolled weight that must be shown again.
const DefaultShare = 0.6

// MaxOfKind is how many components of one kind a fingerprint may have, MaxComponents
// how many in all.
const (
	MaxOfKind     = 8
	MaxComponents = 32
)

// Weights are what the components of each kind weigh when the rule says nothing. A
// kind that has no weight counts for nothing.
func Weights() map[string]int {
	return map[string]int{TPM: 3, InstallKey: 3, DMIUUID: 2, MachineID: 2, Disk: 2, MAC: 1}
}

// Components are the parts of a machine: the digest by the component's name, which
// is its kind, and from the second of a kind on the kind with a number: "mac",
// "mac#2". The numbers have no order: components are compared by kind and digest.
type Components map[string]string

// Name is what the nth component of a kind is called, n from 1 on.
func Name(kind string, n int) string {
	if n == 1 {
		return kind
	}
	return kind + "#" + strconv.Itoa(n)
}

// Kind is the kind of the component with the name.
func Kind(name string) string {
	kind, _, _ := strings.Cut(name, "#")
	return kind
}

// Add puts a component of the kind in, under the first name that is free. A digest
// that is there already, an empty one, and one too many are left out.
func (c Components) Add(kind, digest string) {
	if digest == "" {
		return
	}
	for n := 1; n <= MaxOfKind; n++ {
		switch c[Name(kind, n)] {
		case digest:
			return
		case "":
			c[Name(kind, n)] = digest
			return
		}
	}
}

// Clone is a copy.
func (c Components) Clone() Components { return maps.Clone(c) }

var (
	kindForm   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}(#[2-8])?$`)
	digestForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
)

// ValidKind says whether the text can be a kind.
func ValidKind(kind string) bool { return kindForm.MatchString(kind) }

// Check says what is wrong with components that came from elsewhere. What is enrolled
// must have passed it.
func (c Components) Check() error {
	if len(c) > MaxComponents {
		return fmt.Errorf("the fingerprint has %d components, and %d are the most", len(c), MaxComponents)
	}
	seen := map[string]bool{}
	for name, digest := range c {
		if !nameForm.MatchString(name) {
			return fmt.Errorf("%.60q is no name of a component: use a kind such as %q, with #2 to #%d for more of it", name, MAC, MaxOfKind)
		}
		if !digestForm.MatchString(digest) {
			return fmt.Errorf("the component %s has no digest of 43 characters of base64url", name)
		}
		part := Kind(name) + " " + digest
		if seen[part] {
			return fmt.Errorf("two components of the kind %s have the same digest: send it once", Kind(name))
		}
		seen[part] = true
	}
	return nil
}
