package fingerprint

import "context"

// Sources say what Collect asks the machine for.
type Sources struct {
	// InstallKey is the public half of a key file that the installation made, if it has
	// one. A container has nothing else that stays: mount the file into it.
	InstallKey string
	// Root says that the program always runs as root. On Linux the mainboard's UUID can be
	// read only so, and a program that runs now as root and now not would be two machines.
	Root bool
}

// Collect asks the machine for its parts. What it cannot tell is left out; on Linux no
// program is run.
func Collect(ctx context.Context, product string, s Sources) Components {
	c := Components{}
	for _, p := range append([]part{{InstallKey, s.InstallKey}}, machineParts(ctx, s)...) {
		if digest, ok := Digest(product, p.kind, p.value); ok {
			c.Add(p.kind, digest)
		}
	}
	return c
}

// part is a part of the machine as the machine tells it.
type part struct{ kind, value string }

// all are parts of one kind.
func all(kind string, values []string) (parts []part) {
	for _, v := range values {
		parts = append(parts, part{kind, v})
	}
	return parts
}
