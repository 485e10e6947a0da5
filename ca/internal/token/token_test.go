package token_test

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/store"
	"guildhall/ca/internal/token"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/sdk/go/ca"
)

var migrations = os.DirFS("../../migrations")

func onBoth(t *testing.T, test func(t *testing.T, w *catest.World)) {
	t.Helper()
	guildtest.Engines(t, migrations, func(t *testing.T, d *db.DB) { test(t, catest.New(t, d, catest.Options{})) })
}

func create(t *testing.T, w *catest.World, service string) ca.JoinToken {
	t.Helper()
	text, _, err := w.Tokens.Create(t.Context(), service, time.Hour, catest.Admin)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// redeem does what an enrolment does.
func redeem(t *testing.T, w *catest.World, text ca.JoinToken, service string) error {
	return w.DB.Group(t.Context(), func(tx *sql.Tx) error {
		if err := w.Journal.Append(t.Context(), tx, catest.Admin, journal.Issued, service, nil); err != nil {
			return err
		}
		return w.Tokens.Redeem(t.Context(), tx, text, service, "00ff")
	})
}

func TestRedeem(t *testing.T) {
	onBoth(t, func(t *testing.T, w *catest.World) {
		good := create(t, w, "shop")
		guess, err := ca.NewJoinToken(good.ID, rand.Text(), good.Root)
		if err != nil {
			t.Fatal(err)
		}
		unknown, err := ca.NewJoinToken("jtk_00000000000000000000000000", rand.Text(), good.Root)
		if err != nil {
			t.Fatal(err)
		}
		withdrawn, late := create(t, w, "shop"), create(t, w, "shop")
		if err := w.Tokens.Withdraw(t.Context(), withdrawn.ID, catest.Admin); err != nil {
			t.Fatal(err)
		}
		refused := func(what string, text ca.JoinToken, service string, want error) {
			t.Helper()
			if err := redeem(t, w, text, service); !errors.Is(err, want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		refused("a wrong secret", guess, "shop", token.ErrUnknown)
		refused("an unknown token", unknown, "shop", token.ErrUnknown)
		refused("a withdrawn token", withdrawn, "shop", token.ErrWithdrawn)
		refused("another service", good, "bank", token.ErrName)
		if err := redeem(t, w, good, "shop"); err != nil {
			t.Fatalf("the good token: %v", err)
		}
		refused("a used token", good, "shop", token.ErrUsed)
		w.Clock.Advance(time.Hour + time.Second)
		refused("an expired token", late, "shop", token.ErrExpired)
		w.VerifyAudit(t)
	})
}

func TestOneOfManyRedeems(t *testing.T) {
	onBoth(t, func(t *testing.T, w *catest.World) {
		text := create(t, w, "shop")
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				switch err := redeem(t, w, text, "shop"); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, token.ErrUsed):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d redeemed one token", won.Load())
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	w := catest.New(t, guildtest.Open(t, guildtest.SQLite(t), migrations), catest.Options{})
	for _, service := range []string{"", "a.b", "Shop", "shp", "metrics"} {
		_, _, err := w.Tokens.Create(t.Context(), service, 0, catest.Admin)
		if e := fault.As(err); len(e.Fields) != 1 || e.Fields[0].Name != "service" || !strings.Contains(e.Fields[0].Detail, "The services are bank, chat, shop.") {
			t.Errorf("service %q: %v", service, err)
		}
	}
	for _, life := range []time.Duration{time.Second, -time.Hour, 8 * 24 * time.Hour} {
		if _, _, err := w.Tokens.Create(t.Context(), "shop", life, catest.Admin); fault.As(err).Kind != fault.Invalid {
			t.Errorf("lifetime %s: %v", life, err)
		}
	}
	if err := w.Tokens.Withdraw(t.Context(), "jtk_none", catest.Admin); !errors.Is(err, store.ErrTokenNotFound) {
		t.Errorf("withdraw an unknown one: %v", err)
	}
	if list, err := w.Tokens.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("listed %v, %v", list, err)
	}
}
