package generate

import "encoding/hex"

// random is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
// Generators, 2014). Its numbers are fixed for ever, which a library's need not be.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// below is a number from 0 to n-1. For the small n here its bias is nothing.
func (r *random) below(n int) int { return int(r.next() % uint64(n)) }

func (r *random) pick(list []string) string { return list[r.below(len(list))] }

// weighted is an index of weights, which add up to 100.
func (r *random) weighted(weights []int) int {
	at := r.below(100)
	for i, weight := range weights {
		if at -= weight; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// uuid is a UUID of version 4 (RFC 9562, 5.4).
func (r *random) uuid() string {
	var raw [16]byte
	for half := range 2 {
		bits := r.next()
		for i := range 8 {
			raw[half*8+i] = byte(bits >> (8 * i))
		}
	}
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], raw[:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:], raw[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
