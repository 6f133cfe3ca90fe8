// Package journal records every mutating call before anything is sent to a vendor, and after. So no
// call is lost, made twice or misreported.
//
// Unary is the interceptor around a call. It records the intent, gives the method a log of its
// vendor writes, and records the outcome. A call with a known request_id gets the outcome of the
// first call, on any replica. A mutation that ended without an outcome is settled in the
// background: its method runs again, and reads back from the vendor what its writes did.
//
// Replicas share a store. A replica renews its lease in the store every few seconds. While it is
// alive, no other replica claims a mutation that it owns. A process that wakes up after its lease
// has ended can record nothing, and so it sends nothing.
//
// # Files
//
//   - call.go: the interceptor, and what a call does with a known request_id.
//   - run.go: one run of a method, and how its end is recorded.
//   - steps.go: the log that the method writes to.
//   - lock.go: waiting for the locks of a mutation.
//   - settle.go: runs without a caller.
//   - service.go, show.go: the MutationService.
//   - dryrun.go: calls with validate_only, which are not recorded.
//
// # Packages
//
//   - decide: the rules. It decides what a run that ended means, and what a call with a known
//     request_id does.
//   - lockset: the names that a mutation must hold.
//   - records: the SQL of mutations, steps and locks.
//   - lease: the heartbeat of a replica, and the ownership of mutations.
//
// docs/journal.md has the table of the states and their transitions.
//
// # Invariants
//
// The exhaustive test checks them in the store after every commit and at every vendor write.
//
//   - I1: a step is durable as SENT before the first byte of its write leaves.
//   - I2: a mutation holds locks exactly while settle_at is set. A call that still waits for its
//     locks is the exception: it has sent nothing.
//   - I3: only a living owner writes to a mutation or its steps.
//   - I4: settling sends nothing unless a step of the mutation is done.
//   - I5: no column holds a secret.
//   - I6: a step is durable only if the steps that it depends on are durable.
//   - I7: the end of a run and its audit event share a transaction.
package journal
