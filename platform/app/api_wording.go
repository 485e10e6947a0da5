package app

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2/validation"

	"guildhall/platform/config"
	"guildhall/platform/fault"
)

// unknownParameter is huma's message for a name in the query that there is not.
const unknownParameter = "unknown query parameter"

// wording is how one of huma's messages is said to a caller.
type wording struct {
	// message is huma's, with a verb (%v) where its operand stands.
	message, code string
	// say makes the sentence out of the operand and the refused value.
	say func(operand string, value any) string
}

// matches says whether text is the message, and what its operand is.
func (w wording) matches(text string) (operand string, ok bool) {
	before, after, hasOperand := cutVerb(w.message)
	if !hasOperand {
		return "", text == w.message
	}
	rest, ok := strings.CutPrefix(text, before)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, after)
}

func cutVerb(message string) (before, after string, found bool) {
	before, after, found = strings.Cut(message, "%")
	if found {
		after = after[1:]
	}
	return before, after, found
}

const (
	formatMoment = `It is not a moment in time. Write one such as 2026-01-31T12:00:00Z; in an address, write + as %2B.`
	giveValue    = "Give a value."
)

// wordings are tried from the first to the last.
func wordings() []wording {
	return append(bounds(),
		wording{validation.MsgExpectedRequiredProperty, "required", always(giveValue)},
		wording{"required %s parameter is missing", "required", always(giveValue)},
		wording{validation.MsgExpectedOneOf, "not_allowed", notOneOf},
		wording{validation.MsgExpectedString, "wrong_type", wanted("text, in double quotation marks")},
		wording{validation.MsgExpectedBoolean, "wrong_type", wanted("true or false")},
		wording{validation.MsgExpectedInteger, "wrong_type", wanted("a whole number")},
		wording{validation.MsgExpectedNumber, "wrong_type", wanted("a number")},
		wording{validation.MsgExpectedArray, "wrong_type", wanted("a list, in square brackets")},
		wording{validation.MsgExpectedObject, "wrong_type", wanted("a JSON object, in braces")},
		wording{"invalid integer", "wrong_type", always("It is not a whole number. Write one such as 50, in digits.")},
		wording{"invalid float", "wrong_type", always("It is not a number. Write one such as 2.5.")},
		wording{"invalid boolean", "wrong_type", always("It is neither true nor false. Write one of the two.")},
		wording{"json: cannot unmarshal %s", "wrong_type", wrongKind},
		wording{"unknown content type: %s", "wrong_content_type", wrongContent},
		wording{"invalid date/time for format %s", "invalid_format", always(formatMoment)},
		wording{validation.MsgExpectedRFC3339DateTime, "invalid_format", always(formatMoment)},
		wording{validation.MsgExpectedRFC3339Date, "invalid_format", always("It is not a day. Write one such as 2026-01-31.")},
		wording{validation.MsgExpectedRFC3339Time, "invalid_format", always("It is not a time of day. Write one such as 23:59:00.")},
		wording{validation.MsgExpectedDuration, "invalid_format", always("It is not a length of time. Write one such as 90m.")},
		wording{validation.MsgExpectedRFC5322Email, "invalid_format", always("It is not an e-mail address. Write one such as jan@example.com.")},
		wording{validation.MsgExpectedRFC5890Hostname, "invalid_format", always("It is not a host name. Write one such as shop.example.com.")},
		wording{validation.MsgExpectedRFCIPAddr, "invalid_format", always("It is not an IP address. Write one such as 10.0.0.1 or 2001:db8::1.")},
		wording{validation.MsgExpectedRFC2673IPv4, "invalid_format", always("It is not an IPv4 address. Write one such as 10.0.0.1.")},
		wording{validation.MsgExpectedRFC2373IPv6, "invalid_format", always("It is not an IPv6 address. Write one such as 2001:db8::1.")},
		wording{validation.MsgExpectedRFC3986URI, "invalid_format", always("It is not a URI. Write one such as https://example.com/.")},
		wording{validation.MsgExpectedRFC4122UUID, "invalid_format", always("It is not a UUID. Write one such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6.")},
		wording{validation.MsgExpectedBase64String, "invalid_format", always("It is not base64. Encode it again.")},
		wording{validation.MsgExpectedMatchPattern, "invalid_format", func(pattern string, _ any) string {
			return "It does not have the form that is wanted here, the regular expression " + pattern + "."
		}},
	)
}

// bounds are the messages about too little and too much.
func bounds() []wording {
	long := func(limit string) func(string, any) string {
		return func(n string, v any) string {
			text, _ := v.(string)
			return fmt.Sprintf("It is %s long; at %s %s allowed.", count(strconv.Itoa(utf8.RuneCountInString(text)), "character"), limit, are(n))
		}
	}
	items := func(limit string) func(string, any) string {
		return func(n string, v any) string {
			return fmt.Sprintf("It has %s; at %s %s allowed.", count(strconv.Itoa(length(v)), "entry"), limit, are(n))
		}
	}
	number := func(limit string) func(string, any) string {
		return func(n string, v any) string {
			return fmt.Sprintf("It is %s; %s %s is allowed.", plain(v), limit, plain(n))
		}
	}
	return []wording{
		{validation.MsgExpectedMaxLength, "too_long", long("most")},
		{validation.MsgExpectedMinLength, "too_short", long("least")},
		{validation.MsgExpectedMaxItems, "too_many", items("most")},
		{validation.MsgExpectedMinItems, "too_few", items("least")},
		{validation.MsgExpectedMaximumNumber, "out_of_range", number("at most")},
		{validation.MsgExpectedMinimumNumber, "out_of_range", number("at least")},
		{validation.MsgExpectedExclusiveMaximumNumber, "out_of_range", number("less than")},
		{validation.MsgExpectedExclusiveMinimumNumber, "out_of_range", number("more than")},
	}
}

func always(text string) func(string, any) string { return func(string, any) string { return text } }

// wanted says what kind of value stands in the place of another.
func wanted(kind string) func(string, any) string {
	return func(_ string, v any) string { return fmt.Sprintf("It is %s; write %s.", kindOf(v), kind) }
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case float64, json.Number:
		return "a number"
	case string:
		return "text"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "something else"
}

func notOneOf(list string, v any) string {
	return unlisted(fmt.Sprint(v), strings.Split(list, ", "))
}

// NotOneOf is the problem of a field whose value is not one of a public list: it
// names the value, which is no secret, what may have been meant, and the list.
func NotOneOf(field, value string, known []string) fault.Field {
	return fault.Field{Name: field, Code: "not_allowed", Detail: unlisted(value, known)}
}

func unlisted(value string, known []string) string {
	text := fmt.Sprintf("%q is not known here", shortened(value))
	if meant := config.Nearest(value, known); meant != "" {
		text += fmt.Sprintf("; did you mean %q?", meant)
	} else {
		text += "."
	}
	return text + " Use one of: " + strings.Join(known, ", ") + "."
}

// goField is where encoding/json says into which member a value did not fit.
var goField = regexp.MustCompile(`Go struct field \w+\.([^ ]+) of type`)

// wrongKind is for values that have the right type in JSON and do not fit ours,
// such as a number of twenty digits.
func wrongKind(operand string, _ any) string {
	if at := goField.FindStringSubmatch(operand); at != nil {
		return "The value of " + at[1] + " does not fit; it is too large or has too many digits."
	}
	return "A value in it does not fit; it is too large or has too many digits."
}

func wrongContent(sent string, _ any) string {
	return fmt.Sprintf("The body was sent as %q. Send JSON, and the header Content-Type: application/json.", shortened(sent))
}

func length(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case []string:
		return len(v)
	}
	return 0
}

func count(n, noun string) string {
	if n == "1" {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return grouped(n) + " " + stem + "ies"
	}
	return grouped(n) + " " + noun + "s"
}

func are(n string) string {
	if n == "1" {
		return "1 is"
	}
	return grouped(n) + " are"
}

// plain writes a number without an exponent.
func plain(v any) string {
	n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		return fmt.Sprint(v)
	}
	return grouped(strconv.FormatFloat(n, 'f', -1, 64))
}

// grouped puts commas between the thousands of a number.
func grouped(n string) string {
	whole, rest, _ := strings.Cut(n, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}
