package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m memo[int]
		counted, takes, fails := 0, time.Millisecond, error(nil)
		get := func() (int, error) {
			return m.get(t.Context(), func(context.Context) (int, error) {
				time.Sleep(takes) // the bubble's clock
				counted++
				return counted, fails
			})
		}
		want := func(n int) {
			t.Helper()
			if got, err := get(); got != n || err != nil {
				t.Errorf("got %d, %v, wanted %d", got, err, n)
			}
		}
		want(1)
		want(2) // what is quick is counted anew
		takes, fails = time.Second, errors.New("away")
		if _, err := get(); err == nil {
			t.Error("the error is lost")
		}
		fails = nil
		want(4)
		want(4)
		time.Sleep(memoShare * time.Second)
		want(5)
		takes = time.Hour
		time.Sleep(memoShare * time.Second)
		want(6)
		time.Sleep(memoAge - time.Nanosecond)
		want(6)
		time.Sleep(time.Nanosecond)
		want(7)
	})
}
