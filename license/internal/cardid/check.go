package cardid

import "strings"

// The check is a code over the field of 1021 elements, the largest prime under 32².
// The character at i has the weight generator^(i+1), and the two check characters,
// read as a number in base 32, are the sum. So the two weigh -32 and -1, and a text
// is good when everything sums to zero. All 32 weights differ and none is zero, which
// is why every single wrong character and every two swapped ones, neighbours or not,
// are found: a character's change is under 32, and no product of two numbers that are
// not zero is zero. Of other mistakes one in about a thousand is not found.
const (
	prime     = 1021
	generator = 10 // a primitive root of the prime, whose first 30 powers miss -32 and -1
)

// residue is the sum over the random characters.
func residue(id []byte) int {
	sum, weight := 0, 1
	for _, c := range id[:data] {
		weight = weight * generator % prime
		sum = (sum + strings.IndexByte(letters, c)*weight) % prime
	}
	return sum
}

// good says whether the check characters are right. The three numbers from the prime
// to 1023 are never made, and are wrong.
func good(id []byte) bool {
	return strings.IndexByte(letters, id[data])*32+strings.IndexByte(letters, id[data+1]) == residue(id)
}
