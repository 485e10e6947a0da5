package session_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/identity/internal/session"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// modelled is what a token should open.
type modelled struct {
	id                     string
	level                  session.Level
	made, seen, idle, ends time.Time
	ended                  bool
}

func (m *modelled) live(now time.Time) bool {
	return !m.ended && now.Before(m.idle) && now.Before(m.ends)
}

// use is what Find and Raise do to the end of a session.
func (m *modelled) use(now time.Time, always bool) {
	if !always && now.Sub(m.seen) < time.Minute {
		return
	}
	m.seen = now
	if m.level == session.Pending {
		m.ends = m.made.Add(session.PendingLife)
		m.idle = m.ends
		return
	}
	m.ends = m.made.Add(session.DefaultAbsolute)
	m.idle = now.Add(session.DefaultIdle)
}

// Whatever is done, in whatever order: a token opens exactly what a plain model
// says, its level never falls, and no token is replaced by itself.
func TestDeskIsAsItsModel(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		whole := newWorld(t, d)
		rapid.Check(t, func(r *rapid.T) {
			w := whole.fresh(t)
			model := map[string]*modelled{}
			some := func() string {
				return rapid.SampledFrom(append(slices.Sorted(maps.Keys(model)), "unknown")).Draw(r, "token")
			}
			for range rapid.IntRange(1, 12).Draw(r, "steps") {
				switch rapid.SampledFrom([]string{"start", "find", "raise", "end", "others", "wait"}).Draw(r, "step") {
				case "start":
					level := rapid.SampledFrom([]session.Level{session.Pending, session.Password, session.Strong}).Draw(r, "level")
					token, s := w.start(t, w.ann, level)
					m := &modelled{id: s.ID, level: level, made: w.clock.Now()}
					m.use(w.clock.Now(), true)
					model[token] = m
				case "find":
					w.compare(t, r, model, some())
				case "raise":
					w.raiseAndCompare(t, r, model, some(), rapid.SampledFrom([]session.Level{session.Password, session.Strong}).Draw(r, "level"))
				case "end":
					if m := model[some()]; m != nil {
						err := w.End(t.Context(), w.ann, m.id, audit.Caller{})
						if m.live(w.clock.Now()) != (err == nil) {
							r.Fatalf("end: %v", err)
						}
						m.ended = true
					}
				case "others":
					except := model[some()]
					id := ""
					if except != nil {
						id = except.id
					}
					if _, err := w.EndOthers(t.Context(), w.ann, id, audit.Caller{}); err != nil {
						r.Fatal(err)
					}
					for _, m := range model {
						m.ended = m.ended || m != except
					}
				case "wait":
					w.clock.Advance(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 10 * time.Minute, 11 * time.Hour, 29 * 24 * time.Hour}).Draw(r, "time"))
				}
			}
			for _, token := range slices.Sorted(maps.Keys(model)) {
				w.compare(t, r, model, token)
			}
		})
	})
}

// compare finds a token in the desk and in the model.
func (w *world) compare(t *testing.T, r *rapid.T, model map[string]*modelled, token string) {
	s, err := w.Find(t.Context(), token)
	m := model[token]
	if m == nil || !m.live(w.clock.Now()) {
		if !errors.Is(err, session.ErrNone) {
			r.Fatalf("a dead token opens %+v: %v", s, err)
		}
		return
	}
	m.use(w.clock.Now(), false)
	if err != nil || s.ID != m.id || s.Level != m.level {
		r.Fatalf("a live token opens %+v, %v and not %+v", s, err, m)
	}
}

func (w *world) raiseAndCompare(t *testing.T, r *rapid.T, model map[string]*modelled, token string, level session.Level) {
	next, err := w.Raise(t.Context(), token, level, session.MethodPasskey, "192.0.2.9")
	m := model[token]
	switch {
	case m == nil || !m.live(w.clock.Now()):
		if !errors.Is(err, session.ErrNone) {
			r.Fatalf("a dead token was raised: %v", err)
		}
	case m.level == session.Pending && level != session.Strong:
		if !errors.Is(err, session.ErrSecondFactor) {
			r.Fatalf("raised without a second factor: %v", err)
		}
	case err != nil || next == token:
		r.Fatalf("raise: %v", err)
	default:
		delete(model, token)
		m.level = max(m.level, level)
		m.use(w.clock.Now(), true)
		model[next] = m
		if w.opens(t, token) {
			r.Fatal("the replaced token opens")
		}
	}
}
