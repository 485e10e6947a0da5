package guildtest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// The vendored script is the published one: whoever updates it changes the sum.
func TestAxeIsThePublishedFile(t *testing.T) {
	t.Parallel()
	const published = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
	script, err := os.ReadFile("axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(script); hex.EncodeToString(sum[:]) != published {
		t.Errorf("axe.min.js has the sum %x, the published file %s", sum, published)
	}
	licence, err := os.ReadFile("axe/LICENSE")
	if err != nil || !strings.Contains(string(licence), "Mozilla Public License, version 2.0") {
		t.Errorf("the licence is missing: %v", err)
	}
}
