// Package sandbox runs WebAssembly modules that somebody else wrote: commands of WASI
// preview 1 that read their input from standard input and write their output to standard
// output.
//
// A module sees no file, no network, no environment and no argument but a name. It has
// memory, time and output up to the limits of its call, the real time to the millisecond,
// and random numbers. What it does wrong ends its own run and nothing else.
package sandbox
