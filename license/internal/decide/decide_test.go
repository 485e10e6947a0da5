package decide_test

import (
	"testing"
	"time"

	"guildhall/license/internal/decide"
	"guildhall/license/internal/policy"
	"guildhall/sdk/go/license/fingerprint"
)

const (
	elsewhere = "198.51.100.7"
	bound     = "activated ok activate bind expiry learn=machine ip=192.0.2.10 key=key ends=365d"
)

// cases are what a request gets, by name.
func cases() map[string]struct {
	steps []step
	want  string
} {
	type c = struct {
		steps []step
		want  string
	}
	do := func(want string, steps ...step) c { return c{steps, want} }
	const replaced = "learn=disk:other,dmi_uuid:other,mac:other,machine_id:other,tpm:other"
	const all = "changed=disk,dmi_uuid,mac,machine_id,tpm"
	return map[string]c{
		// The first use (LIC-3).
		"new: activate":                                 do(bound, fresh, call(decide.Activate)),
		"new: validate":                                 do(bound, fresh),
		"new: heartbeat":                                do(bound, fresh, call(decide.Heartbeat)),
		"new: open":                                     do(bound, fresh, call(decide.Open)),
		"new: time":                                     do(bound, fresh, call(decide.Time)),
		"new: files":                                    do(bound, fresh, files),
		"new: function":                                 do(bound, fresh, function(0, 0)),
		"new: only activate activates":                  do(bound, fresh, onlyActivate, call(decide.Activate)),
		"new: validate does not activate":               do("refused card_not_active", fresh, onlyActivate),
		"new: open does not activate":                   do("refused card_not_active", fresh, onlyActivate, call(decide.Open)),
		"new: without proof":                            do("refused proof_missing", fresh, noProof),
		"new: wrong proof":                              do("refused proof_wrong", fresh, badProof),
		"new: no proof is asked for":                    do("activated ok activate bind expiry learn=machine ip=192.0.2.10 ends=365d", fresh, proofOff, noProof),
		"new: no proof is asked for, and one wrong":     do("activated ok activate bind expiry learn=machine ip=192.0.2.10 ends=365d", fresh, proofOff, badProof),
		"new: no proof is asked for, and one given":     do(bound, fresh, proofOff),
		"new: module that is not allowed":               do("refused module_not_allowed", fresh, module("report")),
		"new: function that is not allowed":             do("refused function_not_allowed", fresh, call(decide.Function)),
		"new: files that are not allowed":               do("refused files_not_allowed", fresh, call(decide.Files)),
		"new: no hardware":                              do("activated ok activate bind expiry ip=192.0.2.10 key=key ends=365d", fresh, nothingShown),
		"new: no hardware, which the rule needs":        do("refused fingerprint_missing", fresh, nothingShown, rule(policy.HW)),
		"new: no hardware, which both need":             do("refused fingerprint_missing", fresh, nothingShown, rule(policy.HWAndIP)),
		"new: no address":                               do("activated ok activate bind expiry learn=machine key=key ends=365d", fresh, from("")),
		"new: neither hardware nor address":             do("refused fingerprint_missing", fresh, from(""), nothingShown),
		"new: no address, which the rule needs":         do("refused address_missing", fresh, from(""), rule(policy.HWAndIP)),
		"new: no address, which all of the score needs": do("refused address_missing", fresh, from(""), rule(policy.Score), share(1)),
		"new: mapped address":                           do(bound, fresh, from("::ffff:192.0.2.10")),
		"new: days of the card":                         do("activated ok activate bind expiry learn=machine ip=192.0.2.10 key=key ends=30d", fresh, days(30)),
		"new: days and a fixed end":                     do("activated ok activate bind expiry learn=machine ip=192.0.2.10 key=key ends=20d", fresh, days(30), fixed(20*day)),
		"new: until":                                    do("activated ok activate bind expiry learn=machine ip=192.0.2.10 key=key", fresh, mode(policy.Until), fixed(100*day)),
		"new: until never":                              do("activated ok activate bind expiry learn=machine ip=192.0.2.10 key=key endless", fresh, mode(policy.Until)),
		"new: until yesterday":                          do("refused card_expired", fresh, mode(policy.Until), fixed(-day)),
		"new: until this moment":                        do("refused card_expired", fresh, mode(policy.Until), fixed(0)),
		"new: until yesterday, with grace":              do("refused card_expired grace=6d", fresh, mode(policy.Until), fixed(-day), grace(7)),
		"new: until yesterday, and would run on":        do("refused card_expired", fresh, mode(policy.Until), fixed(-day), expired(policy.Run)),
		"new: until yesterday, and would show":          do("refused card_expired", fresh, mode(policy.Until), fixed(-day), expired(policy.ReadOnly)),
		"new: subscription that is paid":                do("activated ok activate bind expiry learn=machine ip=192.0.2.10 key=key", fresh, mode(policy.Subscription), fixed(100*day)),
		"new: subscription of days":                     do(bound, fresh, mode(policy.Subscription)),
		"new: trial":                                    do("activated ok activate bind expiry learn=machine ip=192.0.2.10 key=key ends=14d", fresh, mode(policy.Trial), days(14)),
		"new: second trial":                             do("refused trial_used", fresh, mode(policy.Trial), trialUsed),
		"new: a trial before is nothing to a card":      do(bound, fresh, trialUsed),
		"new: bound already, the same machine":          do("activated ok activate expiry ends=365d", state(decide.New)),
		"new: bound already, another machine":           do("refused environment_mismatch mismatch "+all, state(decide.New), stranger, from(elsewhere)),

		// Its own machine again (LIC-4).
		"same: validate":                            do("ok ok"),
		"same: activate again":                      do("ok ok", call(decide.Activate)),
		"same: activate where only that activates":  do("ok ok", call(decide.Activate), onlyActivate),
		"same: heartbeat where only activate does":  do("ok ok", call(decide.Heartbeat), onlyActivate),
		"same: open":                                do("ok ok", call(decide.Open)),
		"same: unknown call":                        do("refused call_unknown", call("reboot")),
		"same: no call":                             do("refused call_unknown", call("")),
		"same: trial goes on":                       do("ok ok", mode(policy.Trial), trialUsed),
		"same: mapped address":                      do("ok ok", from("::ffff:192.0.2.10")),
		"same: recorded as mapped":                  do("ok ok ip=192.0.2.10", recorded("::ffff:192.0.2.10")),
		"same: address in the same /64":             do("ok ok ip=2001:db8::2", recorded("2001:db8::1"), from("2001:db8::2")),
		"same: address with a zone":                 do("ok ok", recorded("fe80::1"), from("fe80::1%eth0")),
		"same: a network card is replaced":          do("ok ok changed=mac learn=mac:other", other("mac")),
		"same: a card is replaced, nothing learned": do("ok ok changed=mac", other("mac"), noLearning),
		"same: disk and card are replaced":          do("ok ok changed=disk,mac learn=disk:other", other("disk", "mac")),
		"same: parts are missing":                   do("ok ok changed=disk,dmi_uuid", lacks("disk", "dmi_uuid")),
		"same: exactly the share":                   do("ok ok changed=disk,dmi_uuid learn=disk:other", other("disk", "dmi_uuid"), from("192.0.2.10")),

		// hw_or_ip: one of both differs.
		"hw_or_ip: another address":                  do("ok ok drift=ip ip="+elsewhere, from(elsewhere)),
		"hw_or_ip: another address and network card": do("ok ok drift=ip changed=mac learn=mac:other ip="+elsewhere, from(elsewhere), other("mac")),
		"hw_or_ip: another /64":                      do("ok ok drift=ip ip=2001:db8:0:1::1", recorded("2001:db8::1"), from("2001:db8:0:1::1")),
		"hw_or_ip: IPv6 after IPv4":                  do("ok ok drift=ip ip=2001:db8::1", from("2001:db8::1")),
		"hw_or_ip: no address":                       do("ok ok drift=ip", from("")),
		"hw_or_ip: an address at last":               do("ok ok drift=ip ip=192.0.2.10", recorded("")),
		"hw_or_ip: never an address":                 do("ok ok drift=ip", recorded(""), from("")),
		"hw_or_ip: other hardware":                   do("ok ok drift=hardware "+all+" "+replaced, stranger),
		"hw_or_ip: other hardware, nothing learned":  do("ok ok drift=hardware "+all+" "+replaced, stranger, noLearning),
		"hw_or_ip: under the share":                  do("ok ok drift=hardware changed=disk,tpm learn=disk:other,tpm:other", other("tpm", "disk")),
		"hw_or_ip: hardware is not shown":            do("ok ok drift=hardware "+all, nothingShown),
		"hw_or_ip: only what nobody weighs is shown": do("ok ok drift=hardware "+all, nothingShown, func(w *world) { w.request.Fingerprint = fingerprint.Components{"dongle": "x"} }),
		"hw_or_ip: hardware is shown at last":        do("ok ok drift=hardware learn=machine", nothingEnrolled),
		"hw_or_ip: never hardware":                   do("ok ok", nothingEnrolled, nothingShown),
		"hw_or_ip: never hardware, another address":  do("refused environment_mismatch mismatch", nothingEnrolled, nothingShown, from(elsewhere)),
		// and both.
		"hw_or_ip: both differ":                     do("refused environment_mismatch mismatch "+all, stranger, from(elsewhere)),
		"hw_or_ip: both differ, activate":           do("refused environment_mismatch mismatch "+all, stranger, from(elsewhere), call(decide.Activate)),
		"hw_or_ip: both differ, open":               do("refused environment_mismatch mismatch "+all, stranger, from(elsewhere), call(decide.Open)),
		"hw_or_ip: both differ, share just missed":  do("refused environment_mismatch mismatch changed=disk,tpm", other("tpm", "disk"), from(elsewhere)),
		"hw_or_ip: both differ, lower share":        do("ok ok drift=ip changed=disk,tpm learn=tpm:other ip="+elsewhere, other("tpm", "disk"), from(elsewhere), share(0.5)),
		"hw_or_ip: both differ, hardware not shown": do("refused environment_mismatch mismatch "+all, nothingShown, from(elsewhere)),
		"hw_or_ip: both differ, no address":         do("refused environment_mismatch mismatch "+all, stranger, from("")),
		"hw_or_ip: both differ, never addresses":    do("refused environment_mismatch mismatch "+all, stranger, from(""), recorded("")),
		"hw_or_ip: both differ before the proof":    do("refused environment_mismatch mismatch "+all, stranger, from(elsewhere), noProof),
		"hw_or_ip: both differ before the end":      do("refused environment_mismatch mismatch "+all, stranger, from(elsewhere), ends(-day)),

		// The other rules.
		"hw: another address":                    do("ok ok drift=ip ip="+elsewhere, rule(policy.HW), from(elsewhere)),
		"hw: other hardware":                     do("refused environment_mismatch mismatch "+all, rule(policy.HW), stranger),
		"hw: hardware is not shown":              do("refused fingerprint_missing", rule(policy.HW), nothingShown),
		"hw: hardware was never enrolled":        do("refused environment_mismatch mismatch", rule(policy.HW), nothingEnrolled),
		"hw: a network card is replaced":         do("ok ok changed=mac learn=mac:other", rule(policy.HW), other("mac")),
		"hw_and_ip: the same":                    do("ok ok", rule(policy.HWAndIP)),
		"hw_and_ip: another address":             do("refused environment_mismatch mismatch", rule(policy.HWAndIP), from(elsewhere)),
		"hw_and_ip: other hardware":              do("refused environment_mismatch mismatch "+all, rule(policy.HWAndIP), stranger),
		"hw_and_ip: a network card is replaced":  do("ok ok changed=mac learn=mac:other", rule(policy.HWAndIP), other("mac")),
		"score: the same":                        do("ok ok", rule(policy.Score)),
		"score: another address, 10 of 12":       do("ok ok drift=ip ip="+elsewhere, rule(policy.Score), from(elsewhere)),
		"score: other disk and board, 8 of 12":   do("ok ok changed=disk,dmi_uuid learn=disk:other", rule(policy.Score), other("disk", "dmi_uuid")),
		"score: the same and elsewhere, 6 of 12": do("refused environment_mismatch mismatch changed=disk,dmi_uuid", rule(policy.Score), other("disk", "dmi_uuid"), from(elsewhere)),
		"score: the address helps out, 7 of 12":  do("refused environment_mismatch mismatch changed=disk,tpm", rule(policy.Score), other("tpm", "disk")),
		"score: a heavy address helps, 10 of 15": do("ok ok drift=hardware changed=disk,tpm learn=disk:other,tpm:other", rule(policy.Score), other("tpm", "disk"), func(w *world) { w.policy.Fingerprint.IPWeight = 5 }),
		"score: a stranger, 2 of 12":             do("refused environment_mismatch mismatch "+all, rule(policy.Score), stranger),
		"score: never hardware":                  do("ok ok", rule(policy.Score), nothingEnrolled, nothingShown),
		"unknown rule":                           do("refused environment_mismatch mismatch", rule("any")),

		// What was done to the card.
		"suspended":                         do("refused card_suspended", state(decide.Suspended)),
		"suspended and new":                 do("refused card_suspended", fresh, state(decide.Suspended)),
		"suspended, from a stranger":        do("refused card_suspended", state(decide.Suspended), stranger, from(elsewhere)),
		"revoked":                           do("refused card_revoked", state(decide.Revoked)),
		"revoked and over":                  do("refused card_revoked", state(decide.Revoked), ends(-day)),
		"unknown state":                     do("refused card_revoked", state("frozen")),
		"no state":                          do("refused card_revoked", state("")),
		"deleted":                           do("refused card_unknown", deleted),
		"deleted and revoked":               do("refused card_unknown", deleted, state(decide.Revoked)),
		"unbound: the machine before":       do("refused card_not_active", unbound),
		"unbound: bound again":              do("ok ok bind learn=machine ip=192.0.2.10 key=key", unbound, call(decide.Activate)),
		"unbound: bound to another machine": do("ok ok bind "+replaced+" ip="+elsewhere+" key=other", unbound, call(decide.Activate), stranger, from(elsewhere), otherKey),
		"unbound: only activate binds":      do("refused card_not_active", unbound, onlyActivate),
		"unbound: activate":                 do("ok ok bind learn=machine ip=192.0.2.10 key=key", unbound, onlyActivate, call(decide.Activate)),
		"unbound: and over":                 do("refused card_expired", unbound, call(decide.Activate), ends(-day)),
		"unbound: trial is no second one":   do("ok ok bind learn=machine ip=192.0.2.10 key=key", unbound, call(decide.Activate), mode(policy.Trial), trialUsed),

		// The device key.
		"key: no proof":                          do("refused proof_missing", noProof),
		"key: wrong proof":                       do("refused proof_wrong", badProof),
		"key: another":                           do("refused device_mismatch mismatch", otherKey),
		"key: another, activate":                 do("refused device_mismatch mismatch", otherKey, call(decide.Activate)),
		"key: none registered":                   do("ok ok key=key", noKey),
		"key: none registered, none shown":       do("refused proof_missing", noKey, noProof),
		"key: nobody asks":                       do("ok ok", proofOff, noProof),
		"key: nobody asks, and another is shown": do("ok ok key=other", proofOff, otherKey),
		"key: nobody asks, and it is not proven": do("ok ok", proofOff, otherKey, badProof),
		"key: comes before the end":              do("refused proof_missing", noProof, ends(-day)),

		// The end.
		"end: never":                              do("ok ok endless", endless),
		"end: in a moment":                        do("ok ok ends=0.5d lease=0.5d", ends(day/2)),
		"end: now":                                do("refused card_expired", ends(0)),
		"end: over":                               do("refused card_expired", ends(-day)),
		"end: over, activate":                     do("refused card_expired", ends(-day), call(decide.Activate)),
		"end: in grace":                           do("ok in_grace ends=-1d lease=2d grace=2d", ends(-day), grace(3)),
		"end: grace is over":                      do("refused card_expired grace=0d", ends(-3*day), grace(3)),
		"end: grace reaches beyond the lease":     do("ok in_grace ends=-1d grace=6d", ends(-day), grace(7)),
		"end: runs on":                            do("ok expired_running ends=-1d", ends(-day), expired(policy.Run)),
		"end: shows":                              do("ok expired_read_only mode=read_only ends=-1d", ends(-day), expired(policy.ReadOnly)),
		"end: grace before it shows":              do("ok in_grace ends=-1d lease=2d grace=2d", ends(-day), expired(policy.ReadOnly), grace(3)),
		"end: opens what it shows":                do("ok expired_read_only mode=read_only ends=-1d", ends(-day), expired(policy.ReadOnly), call(decide.Open)),
		"end: shows, and calls nothing":           do("refused card_expired", ends(-day), expired(policy.ReadOnly), function(0, 0)),
		"end: shows, and loads nothing":           do("refused card_expired", ends(-day), expired(policy.ReadOnly), files),
		"end: shows, and calls":                   do("ok expired_read_only mode=read_only ends=-1d", ends(-day), expired(policy.ReadOnly), function(0, 0), func(w *world) { w.policy.ReadOnly.Functions = true }),
		"end: shows, and loads":                   do("ok expired_read_only mode=read_only ends=-1d", ends(-day), expired(policy.ReadOnly), files, func(w *world) { w.policy.ReadOnly.Files = true }),
		"end: unknown rule":                       do("refused card_expired", ends(-day), expired("stop")),
		"end: extended beyond the fixed end":      do("ok ok", fixed(-day)),
		"lease: none":                             do("ok ok lease=0d", lease(0)),
		"lease: to the end":                       do("ok ok ends=2d lease=2d", ends(2*day)),
		"lease: beyond the end that stops nobody": do("ok ok ends=2d", ends(2*day), expired(policy.Run)),

		// What the policy gives.
		"module: listed":                      do("ok ok", module("report"), modules("base", "report")),
		"module: not listed":                  do("refused module_not_allowed", module("report"), modules("base")),
		"module: any":                         do("ok ok", module("report"), modules(policy.Any)),
		"module: none asked for":              do("ok ok", modules("base")),
		"module: the card's own":              do("ok ok", module("report"), modules("base"), own("report")),
		"module: the card's own are all":      do("refused module_not_allowed", module("base"), modules("base"), own("report")),
		"module: the card has none":           do("refused module_not_allowed", module("base"), modules("base"), own()),
		"function: listed":                    do("ok ok", function(0, 1_000_000)),
		"function: last of the day":           do("ok ok", function(10, 9)),
		"function: one too many":              do("refused function_quota", function(10, 10)),
		"function: not listed":                do("refused function_not_allowed", function(0, 0), func(w *world) { w.request.Function = "forecast" }),
		"function: unnamed":                   do("refused function_not_allowed", call(decide.Function)),
		"files: given":                        do("ok ok", files),
		"files: not given":                    do("refused files_not_allowed", call(decide.Files)),
		"refused: changes nothing of a drift": do("refused files_not_allowed changed=mac", call(decide.Files), other("mac"), from(elsewhere)),
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	for name, c := range cases() {
		w := newWorld()
		for _, s := range c.steps {
			s(w)
		}
		if got := told(w.decide()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestLeftIsWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step step
		want time.Duration
	}{
		"before the end": {ends(36 * time.Hour), 36 * time.Hour},
		"never":          {endless, 0},
		"in grace":       {func(w *world) { ends(-day)(w); grace(3)(w) }, 0},
		"refused":        {state(decide.Suspended), 0},
	} {
		w := newWorld()
		c.step(w)
		if got := w.decide().Left; got != c.want {
			t.Errorf("%s: %s and not %s", name, got, c.want)
		}
	}
}

func TestRefusedOnesTellStrangersNoEnd(t *testing.T) {
	t.Parallel()
	w := newWorld()
	grace(5)(w)
	stranger(w)
	from(elsewhere)(w)
	if d := w.decide(); !d.ExpiresAt.IsZero() || !d.GraceUntil.IsZero() || d.Left != 0 || !d.LeaseUntil.IsZero() || d.Mode != "" {
		t.Errorf("%+v", d)
	}
	w = newWorld()
	ends(-day)(w)
	if d := w.decide(); !d.ExpiresAt.Equal(w.card.ExpiresAt) || !d.LeaseUntil.IsZero() {
		t.Errorf("%+v", d)
	}
}

// Whoever bought a card gets the program before any machine is bound, and not after the
// card was stopped or has ended.
func TestOwnDownload(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps []step
		want  decide.Code
	}{
		"not used yet":           {[]step{fresh}, ""},
		"not used yet, by a key": {[]step{fresh, onlyActivate}, ""},
		"on a machine":           {nil, ""},
		"taken off its machine":  {[]step{unbound, onlyActivate}, ""},
		"in grace":               {[]step{ends(-day), grace(3)}, ""},
		"ended":                  {[]step{ends(-day)}, decide.CardExpired},
		"ended before its use":   {[]step{fresh, mode(policy.Until), fixed(-day)}, decide.CardExpired},
		"ended, and shows":       {[]step{ends(-day), expired(policy.ReadOnly)}, decide.CardExpired},
		"suspended":              {[]step{unbound, state(decide.Suspended)}, decide.CardSuspended},
		"revoked":                {[]step{state(decide.Revoked)}, decide.CardRevoked},
		"in the recycle bin":     {[]step{fresh, deleted}, decide.CardUnknown},
		"no files":               {[]step{fresh, func(w *world) { w.policy.Files = false }}, decide.FilesNotAllowed},
	} {
		w := newWorld()
		for _, s := range append([]step{files}, c.steps...) {
			s(w)
		}
		if got := decide.OwnDownload(w.card, w.policy, w.now); got != c.want {
			t.Errorf("%s: %q and not %q", name, got, c.want)
		}
	}
}
