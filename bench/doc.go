// Package bench measures the built binary from outside, as its users meet it:
// the server is a process of its own, so that its CPU time can be told from
// that of its clients, and what it is compared with runs in the same minute on
// the same machine. Benchmarks of single parts are beside those parts.
//
//	make bench PKG=./bench/...
//
// Metrics: "ops/cpu-s" is operations for each second of CPU time that the server
// (and PostgreSQL, where it is used) spent, which is what one core can do;
// "ops/s" is by the wall clock, with the clients on the same machine.
// docs/guides/measurements.md has what was seen.
package bench
