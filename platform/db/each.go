package db

import "strconv"

// Each is a table with the column "value", which has a row for each element of the JSON
// array in parameter n: one text of SQL however many rows a statement has to read or
// write, which the database prepares once. Where the elements are arrays too,
// value ->> 0 is the text of the first of one; CAST(value ->> 1 AS BIGINT) is a number.
func (d *DB) Each(n int) string {
	parameter := "$" + strconv.Itoa(n)
	if d.Engine == Postgres {
		return "jsonb_array_elements(CAST(" + parameter + " AS JSONB)) AS each(value)"
	}
	return "json_each(" + parameter + ")"
}

// Unhex is the bytes of a text in hexadecimal, which Each can hand over.
func (d *DB) Unhex(text string) string {
	if d.Engine == Postgres {
		return "decode(" + text + ", 'hex')"
	}
	return "unhex(" + text + ")"
}
