// Package journal records every mutating call before anything is sent to a vendor, and after. So no
// call is lost, made twice or misreported.
//
// Unary is the envelope around a call. It records what is to be done, gives the method a log of its
// vendor writes, and records the outcome. A call with a known request_id gets the outcome of the
// first call, on any replica. A mutation that ended without an outcome is settled in the background:
// the same method runs again, and reads back from the vendor what its writes did.
//
// Replicas share a store. A replica renews its heartbeat in the store every few seconds. While it
// counts as alive, no other replica takes over what it runs. A process that wakes up after its lease
// has ended can record nothing, and so it sends nothing.
//
// # Decisions
//
// Package decide holds the rules: what a run that ended means, and what a call with a known
// request_id does.
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
