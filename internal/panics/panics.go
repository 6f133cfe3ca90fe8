// Package panics carries the panic of a function to the code that waits for it. A panic in a
// goroutine of its own ends the program, since nothing recovers it there.
package panics

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// A Panic is what a function panicked with. It is an error, for use as one.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

// Error returns the value and the stack.
func (p *Panic) Error() string { return fmt.Sprintf("%v\n%s", p.Value, p.Stack) }

// Catch calls f. It returns the panic of f, or nil.
func Catch(f func()) (caught *Panic) {
	defer func() {
		switch value := recover().(type) {
		case nil:
		case *Panic: // raised again by Wait: the first stack shows the cause
			caught = value
		default:
			caught = &Panic{Value: value, Stack: debug.Stack()}
		}
	}()
	f()
	return nil
}

// A Group is a set of goroutines. The zero Group is empty and ready for use.
type Group struct {
	running sync.WaitGroup
	once    sync.Once
	first   *Panic
}

// Go calls f in a new goroutine.
func (g *Group) Go(f func()) {
	g.running.Go(func() {
		if p := Catch(f); p != nil {
			g.once.Do(func() { g.first = p })
		}
	})
}

// Wait blocks until all goroutines of the group have ended. If one panicked, Wait panics with the
// first *Panic.
func (g *Group) Wait() {
	g.running.Wait()
	if g.first != nil {
		panic(g.first)
	}
}
