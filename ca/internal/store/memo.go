package store

import (
	"context"
	"sync"
	"time"
)

const (
	// slowCount is from when on an answer is worth keeping.
	slowCount = 200 * time.Millisecond
	// memoShare bounds how much of the time goes into counting, memoAge how old
	// an answer gets.
	memoShare = 20
	memoAge   = time.Minute
)

// memo keeps an answer that took long: with a million certificates counting
// takes seconds, and the pages that show the numbers are looked at often. What
// is quick is never kept.
type memo[T any] struct {
	mu    sync.Mutex
	value T
	until time.Time
}

func (m *memo[T]) get(ctx context.Context, count func(context.Context) (T, error)) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Now().Before(m.until) {
		return m.value, nil
	}
	began := time.Now()
	value, err := count(ctx)
	if took := time.Since(began); err == nil && took > slowCount {
		m.value, m.until = value, time.Now().Add(min(memoShare*took, memoAge))
	}
	return value, err
}
