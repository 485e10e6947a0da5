package decide

import "net/netip"

// Network is the part of an address that is compared: all of an IPv4 address, also of
// one that is mapped into IPv6, and the first 64 bits of an IPv6 address, since a
// machine picks the others anew every day. It is the zero value for no address.
func Network(ip netip.Addr) netip.Prefix {
	ip = plain(ip)
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// SameIP says whether two addresses are one network. No address is the same as none,
// and a machine that comes by IPv4 and then by IPv6 shows another one.
func SameIP(a, b netip.Addr) bool {
	return a.IsValid() && b.IsValid() && Network(a) == Network(b)
}

// plain is the address as it is recorded.
func plain(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }
