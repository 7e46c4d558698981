package cloaca

import (
	"math/rand/v2"
	"time"
)

// backoff spreads the tries to connect, so that a thousand hosts do not come back as one: full steps double from first to
// longest, and a wait is uniform between half of its step and the step. It never ends.
type backoff struct {
	first, longest time.Duration
	// uniform is in [0, 1).
	uniform  func() float64
	failures int
}

func newBackoff(longest time.Duration) *backoff {
	return &backoff{first: min(100*time.Millisecond, longest), longest: longest, uniform: rand.Float64}
}

func (b *backoff) next() time.Duration {
	step := b.longest
	// Beyond 30 doublings there is nothing but the longest step.
	if b.failures < 30 {
		step = min(b.longest, b.first<<b.failures)
		b.failures++
	}
	return step/2 + time.Duration(b.uniform()*float64(step/2))
}

// reset is called once a connection serves: the next failure is a first one.
func (b *backoff) reset() { b.failures = 0 }
