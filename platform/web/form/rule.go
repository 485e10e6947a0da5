package form

import (
	"fmt"
	"unicode/utf8"

	"guildhall/platform/fault"
)

// Rule looks at one value; a Field without a Code means that it is right. The
// sentence shown is found under "fault.field.<Code>", else it is the Detail.
type Rule func(value string) fault.Field

// Required refuses an empty value.
func Required(value string) fault.Field {
	if value != "" {
		return fault.Field{}
	}
	return fault.Field{Code: "required", Detail: "Fill in this field."}
}

// Max refuses more than n characters.
func Max(n int) Rule {
	return func(value string) fault.Field {
		if utf8.RuneCountInString(value) <= n {
			return fault.Field{}
		}
		return fault.Field{Code: "too_long", Args: map[string]any{"Count": n},
			Detail: fmt.Sprintf("Use at most %d characters.", n)}
	}
}
