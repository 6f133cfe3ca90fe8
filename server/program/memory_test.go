package program

import "testing"

func TestAServerKeepsSomeGarbage(t *testing.T) {
	for used, want := range map[int]int{
		0: 800, 1 << 20: 800, 5 << 20: 160, 7 << 20: 110, 15 << 20: 50, 16 << 20: 50, 1 << 30: 50,
	} {
		if got := percentOf(used); got != want {
			t.Errorf("%d bytes in use: %d percent, want %d", used, got, want)
		}
	}
}
