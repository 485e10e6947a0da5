package client

import (
	"slices"

	"guildhall/platform/fault"
)

// checker collects what is wrong with metadata.
type checker struct {
	m           Metadata
	development bool
	wrong       []fault.Field
}

func (c *checker) err() error { return fault.Fields(c.wrong...) }

func (c *checker) all() {
	if !slices.Contains(Kinds(), c.m.Kind) {
		c.wrong = append(c.wrong, badKind())
	}
}
