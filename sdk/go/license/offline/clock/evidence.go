package clock

import (
	"os"
	"slices"
	"time"
)

// Evidence is what else tells the time. Give what there is; zero is nothing.
type Evidence struct {
	// Server is a time that a server signed in answer to a request of this moment. It
	// is the truth: it also takes the mark back, should the clock once have been set
	// forward by mistake.
	Server time.Time
	// Sync is when the machine's time was last synchronised: SyncFile.
	Sync time.Time
	// Database is when the newest row was written. Not a date that somebody entered.
	Database time.Time
	// Nodes are the clocks of the instance's other nodes. Of two or more the middle one
	// counts (the earlier of two), so that one wrong clock makes no other wrong.
	Nodes []time.Time
}

// SyncFile is when the system's time synchronisation last kept the time, zero if it
// never did.
func SyncFile() time.Time {
	var newest time.Time
	for _, path := range []string{"/var/lib/systemd/timesync/clock", "/var/lib/private/systemd/timesync/clock", "/var/lib/chrony/drift", "/var/lib/chrony/chrony.drift", "/var/lib/ntpsec/ntp.drift"} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest
}

// middle is the median of the nodes' times, the earlier of two; zero with fewer.
func middle(nodes []time.Time) time.Time {
	if len(nodes) < 2 {
		return time.Time{}
	}
	sorted := slices.SortedFunc(slices.Values(nodes), time.Time.Compare)
	return sorted[(len(sorted)-1)/2]
}
