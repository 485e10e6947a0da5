package license

import (
	"slices"
	"strings"

	"guildhall/platform/fault"
	"guildhall/platform/web/form"
)

// ownCodes are those of wrong fields that other services have too, with other sentences.
var ownCodes = []string{"out_of_bounds", "name", "twice", "too_many", "unknown", "trial", "past", "endless", "too_late", "email", "other_product", "form"}

// ownField is the field with the code under which the catalogue has our sentence.
func ownField(f fault.Field) fault.Field {
	switch {
	case f.Code == "form":
		f.Code = "license_form_" + f.Name
	case slices.Contains(ownCodes, f.Code):
		f.Code = "license_" + f.Code
	}
	return f
}

// take puts what an error says of fields beside the fields, and says whether it did.
// What is said of one entry of a field of several lines stands beside the field.
func take(f *form.Form, err error) bool {
	fields := fault.As(err).Fields
	for _, e := range fields {
		e = ownField(e)
		for _, lines := range []string{"modules", "functions", "fingerprint.weights"} {
			if strings.HasPrefix(e.Name, lines) {
				e.Name = lines
			}
		}
		f.Fail(e)
	}
	return len(fields) > 0
}
