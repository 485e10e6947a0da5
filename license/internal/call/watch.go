package call

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/decide"
	"guildhall/license/internal/store"
	"guildhall/sdk/go/license/fingerprint"
)

const (
	day   = 24 * time.Hour
	month = 30 * day
	// maxEvents is how many mismatches and how many drifts of a card are written down
	// within a day: whoever has one key must not fill the disk.
	maxEvents = 1000
)

// refused keeps what another machine sent with the card.
func (t *turn) refused(ctx context.Context, tx *sql.Tx) error {
	if !t.decision.Mismatch {
		return nil
	}
	alarm := t.policy.Alarms.Mismatches
	n, err := t.s.o.Store.CountEvents(ctx, tx, t.card.ID, card.Mismatched, t.now.Add(-day))
	if err != nil || n >= max(maxEvents, alarm) {
		return err
	}
	in := t.in
	sent := map[string]any{"code": string(t.decision.Code), "call": in.Call, "function": in.Function, "module": in.Module, "fingerprint": in.Fingerprint,
		"version": in.Version, "handshake_key": in.HandshakeKey, "sdk": in.SDK, "client_time": in.Time, "proof": in.Proof, "changed": t.decision.Changed}
	if in.Device != nil {
		sent["device"] = in.Device
	}
	if e := t.environment; e != nil { // it may be another when somebody compares
		sent["recorded"] = map[string]any{"fingerprint": e.Fingerprint, "ip": e.IP, "sign": e.SignKey}
	}
	if err := t.event(ctx, tx, card.Mismatched, sent); err != nil {
		return err
	}
	if alarm == 0 || n+1 < alarm {
		return nil
	}
	return t.alarm(ctx, tx, card.Mismatched, n+1, day)
}

// drifted notes that one of hardware and address is another than before.
func (t *turn) drifted(ctx context.Context, tx *sql.Tx, was fingerprint.Components) error {
	if t.decision.Drift == decide.NoDrift {
		return nil
	}
	n, err := t.s.o.Store.CountEvents(ctx, tx, t.card.ID, card.Drifted, t.now.Add(-day))
	if err != nil || n >= maxEvents {
		return err
	}
	detail := map[string]any{"what": string(t.decision.Drift), "changed": t.decision.Changed, "fingerprint": t.in.Fingerprint}
	if t.decision.Drift == decide.HardwareDrift {
		detail["was"] = was
	}
	if err := t.event(ctx, tx, card.Drifted, detail); err != nil {
		return err
	}
	alarm := t.policy.Alarms.Fingerprints
	if t.decision.Drift != decide.HardwareDrift || alarm == 0 {
		return nil
	}
	n, err = t.machines(ctx, tx)
	if err != nil || n < alarm {
		return err
	}
	return t.alarm(ctx, tx, card.Drifted, n, month)
}

// machines is how many different ones came with the card within a month.
func (t *turn) machines(ctx context.Context, tx *sql.Tx) (int, error) {
	drifts, err := t.s.o.Store.EventsIn(ctx, tx, t.card.ID, card.Drifted, t.now.Add(-month), maxEvents)
	if err != nil {
		return 0, err
	}
	var all []fingerprint.Components
	for _, e := range drifts {
		if e.Detail["what"] != string(decide.HardwareDrift) {
			continue
		}
		for _, shown := range []fingerprint.Components{components(e, "was"), components(e, "fingerprint")} {
			same := func(other fingerprint.Components) bool {
				return fingerprint.Compare(other, shown, t.policy.Fingerprint.Rule()).Same
			}
			if len(shown) > 0 && !slices.ContainsFunc(all, same) {
				all = append(all, shown)
			}
		}
	}
	return len(all), nil
}

// components are those in the detail of an event.
func components(e store.Event, name string) fingerprint.Components {
	all := fingerprint.Components{}
	kept, _ := e.Detail[name].(map[string]any) // there may be none
	for kind, digest := range kept {
		all[kind], _ = digest.(string)
	}
	return all
}

// alarm raises an alarm about a kind of events, which counts on, and puts it on the time
// line, once within a time.
func (t *turn) alarm(ctx context.Context, tx *sql.Tx, kind string, count int, within time.Duration) error {
	told, err := t.s.o.Store.EventsIn(ctx, tx, t.card.ID, card.Alarm, t.now.Add(-within), maxEvents)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(told, func(e store.Event) bool { return e.Detail["kind"] == kind }) {
		if err := t.event(ctx, tx, card.Alarm, map[string]any{"kind": kind, "count": count}); err != nil {
			return err
		}
	}
	raised := map[string]string{card.Mismatched: store.AlarmMismatches, card.Drifted: store.AlarmFingerprints}[kind]
	return t.s.o.Raise(ctx, tx, store.Alarm{Kind: raised, Card: t.card.ID, Prefix: t.card.Prefix, Count: count})
}
