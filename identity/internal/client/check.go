package client

// Check says what is wrong with the metadata, field by field, as fault.Fields
// whose names are those of the JSON. In development http redirect URIs on this
// machine are good for all kinds.
func Check(m Metadata, development bool) error {
	c := checker{m: m, development: development}
	c.all()
	return c.err()
}
