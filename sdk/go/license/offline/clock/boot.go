package clock

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// processBoot begins the name of a process that stands in for the machine's start.
const processBoot = "process "

// systemBoot is Linux's own count of the time since the machine started, which nobody
// sets; elsewhere the time since the program did.
func systemBoot(start time.Time) func() (string, time.Duration) {
	return func() (string, time.Duration) {
		id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
		if err != nil {
			return "", time.Since(start)
		}
		text, err := os.ReadFile("/proc/uptime")
		seconds, _, _ := strings.Cut(string(text), " ")
		up, wrong := strconv.ParseFloat(seconds, 64)
		if err != nil || wrong != nil {
			return "", time.Since(start)
		}
		return strings.TrimSpace(string(id)), time.Duration(up * float64(time.Second))
	}
}
