package scenario

import "math/rand/v2"

// Rand is the stream of random numbers for one purpose of one client at one
// attempt. Streams are independent: what one draws changes no other, whatever
// the order in which they are used.
func Rand(seed uint64, purpose string, client, attempt int) *rand.Rand {
	// FNV-1a over the purpose, then two rounds of SplitMix64 over the numbers.
	h := uint64(14695981039346656037)
	for i := range len(purpose) {
		h = (h ^ uint64(purpose[i])) * 1099511628211
	}
	a := mix(seed ^ mix(h))
	b := mix(a ^ mix(uint64(client)+1) ^ mix(mix(uint64(attempt)+1)))
	return rand.New(rand.NewPCG(a, b))
}

// mix is the finalizer of SplitMix64.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// choose draws k of n numbers from 0 and returns which were drawn.
func choose(r *rand.Rand, k, n int) []bool {
	in := make([]bool, n)
	// Floyd's algorithm: one draw for each number chosen.
	for j := n - k; j < n; j++ {
		if t := r.IntN(j + 1); !in[t] {
			in[t] = true
		} else {
			in[j] = true
		}
	}
	return in
}
