package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// params are the cost of a hash.
type params struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// The bounds of what is read: a damaged row must not take all memory.
const (
	maxMemory  = 256 * 1024
	maxTime    = 16
	maxThreads = 16
	minSalt    = 8
	maxSalt    = 64
	minHash    = 16
	maxHash    = 64
)

// errPHC never repeats the text.
var errPHC = errors.New("this is not the PHC string of an Argon2id hash")

func encode(p params, salt, sum []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads, b.EncodeToString(salt), b.EncodeToString(sum))
}

// decode reads what encode wrote, and nothing else that means the same.
func decode(phc string) (p params, salt, sum []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 {
		return params{}, nil, nil, errPHC
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); n != 3 || err != nil {
		return params{}, nil, nil, errPHC
	}
	salt, errSalt := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	sum, errSum := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if errSalt != nil || errSum != nil || !bounded(p, salt, sum) || encode(p, salt, sum) != phc {
		return params{}, nil, nil, errPHC
	}
	return p, salt, sum, nil
}

func bounded(p params, salt, sum []byte) bool {
	within := func(n, lo, hi int) bool { return n >= lo && n <= hi }
	return within(int(p.threads), 1, maxThreads) && within(int(p.time), 1, maxTime) &&
		within(int(p.memory), 8*int(p.threads), maxMemory) &&
		within(len(salt), minSalt, maxSalt) && within(len(sum), minHash, maxHash)
}
