// Package fingerprint tells machines apart by their parts. A part is a component:
// a kind (the network card, the disk) and a digest of its value, so that the server
// learns whether a part is the same and not which part it is. The digest is no
// secret: who knows the product can try values, such as all network cards of a
// manufacturer.
//
// A machine stays the same while enough of it does: the parts of the enrolled
// fingerprint that are shown again must weigh a share of all its parts. Collect
// asks the machine for them; only what stays the same for every user that runs the
// program, and in every run of it, is a part.
package fingerprint
