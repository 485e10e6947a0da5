// Package clock notices that a machine's clock was set back, on machines without
// network, where the time of an offline licence has nothing else to go by.
//
// A guard keeps a high-water mark: the latest time that anything has shown. The mark
// goes forward with the clock and with the hours that the machine runs, never back. A
// program asks once a minute, and hands the reading's Time to offline.Verify:
//
//	guard, err := clock.Open(clock.Options{Files: [2]string{"/var/lib/meter/.t", "/etc/meter/.t"}, Secret: secret, Product: "meter", IssuedAt: licence.IssuedAt, Built: built})
//	defer guard.Close()
//	reading := guard.Check(clock.Evidence{Database: newestRow, Sync: clock.SyncFile()})
//	if reading.Level == clock.Refuse { ... reading.Text is for the operator ... }
//
// A clock that is less than the tolerance wrong is never refused. One that was set back
// further is warned of, then has a grace of running hours, then is refused; all is well
// again as soon as it is right. What this cannot stop is in docs/guides/offline-threats.md.
package clock
