// Package decide answers one question: what does a request of a client get? It knows
// no clock, no database and no network: everything that it weighs is in its
// arguments, and everything that should change is in its answer.
//
// A request is judged in this order, and the first thing that is wrong refuses it:
// the card's state, its activation, the machine that it is bound to, the proof of the
// device key, its end, and what the policy allows. A refused request changes nothing.
package decide
