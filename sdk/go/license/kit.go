package license

import (
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"fmt"

	"guildhall/sdk/go/license/sealed"
)

// Kit is what a vendor builds into his program so that it finds its server and believes
// nobody else. The server exports it, by product. With PSK it holds a secret, though one
// that can be taken out of the program.
type Kit struct {
	// Product is the product's code.
	Product string `json:"product"`
	// Addresses are base URLs of the server, the preferred first. Those of a
	// configuration take their place.
	Addresses []string `json:"addresses"`
	// Root is the public key (Ed25519) that signs configurations.
	Root []byte `json:"root"`
	// PSK is the shared key of kits, for the transport psk: it is good for years, until it
	// is ended by hand, and the first answer under it tells the key of the week.
	PSK *SharedKey `json:"psk,omitempty"`
	// Configuration is the signed text (package sealed) at the time of the export; the
	// program fetches newer ones.
	Configuration string `json:"configuration,omitempty"`
}

// ParseKit reads the JSON that the server exported.
func ParseKit(text []byte) (Kit, error) {
	var k Kit
	if err := json.Unmarshal(text, &k); err != nil {
		return Kit{}, fmt.Errorf("%w: it is no JSON of one: %w", ErrKit, err)
	}
	return k, k.check()
}

func (k Kit) check() error {
	switch {
	case k.Product == "":
		return fmt.Errorf("%w: it names no product", ErrKit)
	case len(k.Addresses) == 0:
		return fmt.Errorf("%w: it has no address of the server", ErrKit)
	case len(k.Root) != ed25519.PublicKeySize:
		return fmt.Errorf("%w: its root key has %d bytes and not %d", ErrKit, len(k.Root), ed25519.PublicKeySize)
	}
	if wrong := cmp.Or(sealed.CheckProduct(k.Product), sealed.CheckAddresses(k.Addresses), k.checkPSK()); wrong != nil {
		return fmt.Errorf("%w: %w", ErrKit, wrong)
	}
	return nil
}

func (k Kit) checkPSK() error {
	if k.PSK == nil {
		return nil
	}
	if _, err := k.PSK.sealer(); err != nil {
		return fmt.Errorf("its shared key: %w", err)
	}
	return nil
}
