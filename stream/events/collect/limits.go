package collect

import (
	"crypto/sha256"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits are the rates of senders, by name: several tokens of one name share theirs.
type limits struct {
	burst    int     // events that may come at once
	standard float64 // events a second of who has no rate of its own; 0: no limit

	mu     sync.Mutex
	byName map[string]*rate.Limiter
}

// admit takes n events of a sender, or says how long they must wait.
func (l *limits) admit(s *sender, n int, now time.Time) (wait time.Duration) {
	perSecond := s.rate
	if perSecond == 0 {
		perSecond = l.standard
	}
	if perSecond == 0 || n == 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.byName[s.name]
	burst := max(l.burst, int(math.Ceil(perSecond)))
	if limiter == nil {
		if l.byName == nil {
			l.byName = map[string]*rate.Limiter{}
		}
		limiter = rate.NewLimiter(rate.Limit(perSecond), burst)
		l.byName[s.name] = limiter
	} else if limiter.Limit() != rate.Limit(perSecond) { // the file has changed
		limiter.SetLimitAt(now, rate.Limit(perSecond))
		limiter.SetBurstAt(now, burst)
	}
	r := limiter.ReserveN(now, n)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// keys remember the bodies of packages that came with an Idempotency-Key.
type keys struct {
	most int           // keys that are remembered
	keep time.Duration // how long

	mu      sync.Mutex
	bodies  map[[sha256.Size]byte][sha256.Size]byte // SHA-256 of the body, by that of token and key
	order   []keyTime                               // the oldest first
	dropped int64                                   // before their time, for the bound
}

type keyTime struct {
	key [sha256.Size]byte
	at  time.Time
}

// Bounds of keys: about 150 bytes each.
const (
	mostKeys = 200_000
	keepKeys = 24 * time.Hour
)

// conflicts notes a key; true if it is known with another body.
func (k *keys) conflicts(token, key string, body []byte, now time.Time) bool {
	id, sum := sha256.Sum256([]byte(token+"\xff"+key)), sha256.Sum256(body)
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.order) > 0 && (now.Sub(k.order[0].at) >= k.keep || len(k.order) > k.most) {
		if now.Sub(k.order[0].at) < k.keep {
			k.dropped++
		}
		delete(k.bodies, k.order[0].key)
		k.order = k.order[1:]
	}
	if before, known := k.bodies[id]; known {
		return before != sum
	}
	if k.bodies == nil {
		k.bodies = map[[sha256.Size]byte][sha256.Size]byte{}
	}
	k.bodies[id] = sum
	k.order = append(k.order, keyTime{id, now})
	return false
}

func (k *keys) counts() (known int, dropped int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.bodies), k.dropped
}
