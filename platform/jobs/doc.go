// Package jobs runs work after the transaction that asked for it: a queue, an
// outbox and periodic jobs in the service's own database. A job enqueued in a
// transaction exists exactly if that transaction is committed, and is then run
// at least once: work must be idempotent.
//
//	             claim                      success
//	waiting ----------------> running ----------------> done
//	 ^  ^ ^                    |  | |
//	 |  | |   failure, with    |  | |  failure, no
//	 |  | +--- back-off -------+  | |  attempt left
//	 |  |                         | +-----------------> dead
//	 |  +-- drained, or enqueued  |                      |
//	 |      once more meanwhile --+                      |
//	 +----------------- Retry, by an administrator ------+
//
// A running job has a lease that its node extends by heartbeats. When the node
// dies, the lease ends and any node claims the job again; the attempt counts. A
// node that lost its lease cancels the job's context and can no longer change
// the row, which carries the owner's token. Nodes compare the lease with their
// own clocks: keep those within a third of it.
//
// A job with a key is unique among the unfinished jobs of its kind. Enqueuing it
// again while it waits replaces its payload and makes it due at the earlier
// time; while it runs, it is run once more afterwards, so that a run always
// begins after the last transaction that asked for it (HandlerOptions.Rest spaces
// such runs).
//
// A periodic job is one row per kind that goes back to waiting, due at the next
// tick, however it ended: so one node runs it at each tick, and a tick missed
// while all nodes were down is made up for once.
package jobs
