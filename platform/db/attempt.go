package db

import (
	"context"
	"errors"
	"slices"
	"time"
)

// outcome is how one attempt at a batch went.
type outcome struct {
	err error // nil: committed
	// at is the index of the member that err belongs to; len(batch) when it
	// belongs to all; in between, where to cut a batch whose commit failed.
	at int
	// apart are the indices of the members whom the error names, if it does.
	apart []int
	// again means that nothing was written and that the same attempt may well
	// succeed in a moment.
	again bool
}

// attempt runs the batch in the transaction t, which lives as long as it needs;
// each member's own statements end with the member's context.
func (g *group) attempt(t *transaction, batch []*member) outcome {
	for i, m := range batch {
		t.member = i
		if err := m.take(t.tx); err != nil {
			connLost := t.rollback()
			// A statement that its own context cut short takes the connection
			// with it; that is the member's doing and no reason to repeat.
			return outcome{err: err, at: i, again: m.ctx.Err() == nil && !m.exited && (connLost || transient(err))}
		}
	}
	err := t.commitMarked(g.marks)
	if err == nil {
		t.committed()
	}
	switch {
	case err == nil || errors.Is(err, ErrCommitUnknown) || len(batch) == 1:
		return outcome{err: err, at: len(batch), again: transient(err)}
	}
	if named, ok := errors.AsType[*MembersError](err); ok && len(named.Members) > 0 {
		return outcome{err: err, at: len(batch), apart: named.Members}
	}
	// One of them made the commit fail; halving finds it.
	return outcome{err: err, at: len(batch) / 2, again: transient(err)}
}

// write gives every member of the batch its outcome. When one fails, those
// before it are committed without it, and the rest begins anew with the failed
// one at its head: at the head it fails for reasons of its own. Each failure
// costs at most one commit more, and the order of arrival is kept, but for those
// whom a MembersError names: those cost one attempt more together, and one each.
// A savepoint for each member would save that commit, but costs every member two
// statements more: measured with one write in twenty failing, it gained nothing
// on PostgreSQL and lost a quarter on SQLite; with none failing it lost far more.
func (g *group) write(t *transaction, batch []*member) {
	defer func() {
		if t != nil { // every caller withdrew
			t.rollback()
		}
	}()
	deadline := time.Now().Add(patience)
	for n := 0; len(batch) > 0; n++ {
		if t == nil {
			var err error
			if t, err = g.begin(); err != nil {
				answer(batch, err)
				return
			}
		}
		o := g.attempt(t, batch)
		t = nil
		if o.again && time.Now().Before(deadline) {
			pause(context.Background(), n)
			batch = dropEnded(batch)
			continue
		}
		switch {
		case len(o.apart) > 0:
			g.separate(batch, o.apart)
			return
		case o.again || o.at == len(batch):
			answer(batch, o.err)
			return
		case o.at == 0:
			answer(batch[:1], o.err)
			batch = batch[1:]
		default:
			g.write(nil, batch[:o.at])
			batch = batch[o.at:]
		}
	}
}

// separate writes the members that made the commit fail one by one, after the
// others. Nobody waits for a certain order: all of a batch came at once.
func (g *group) separate(batch []*member, apart []int) {
	var rest, named []*member
	for i, m := range batch {
		if slices.Contains(apart, i) {
			named = append(named, m)
		} else {
			rest = append(rest, m)
		}
	}
	g.write(nil, rest)
	for m := range slices.Chunk(named, 1) {
		g.write(nil, m)
	}
}

// dropEnded answers the members whose context ended while the server was away.
func dropEnded(batch []*member) []*member {
	var alive []*member
	for _, m := range batch {
		if err := m.ctx.Err(); err != nil {
			m.done <- err
			continue
		}
		alive = append(alive, m)
	}
	return alive
}

func answer(batch []*member, err error) {
	for _, m := range batch {
		m.done <- err
	}
}
