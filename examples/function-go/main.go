// Command function-go is a function that runs on the licence server: it works out a price
// by a formula that customers do not see. README.md says how to build and upload it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// order is what the program of a customer sends.
type order struct {
	Sheets int  `json:"sheets"`
	Colour bool `json:"colour"`
}

// offer is what it gets back.
type offer struct {
	Cents int `json:"cents"`
}

func main() {
	var o order
	if err := json.NewDecoder(os.Stdin).Decode(&o); err != nil {
		fail("the order cannot be read: %v", err)
	}
	if o.Sheets < 1 {
		fail("an order has one sheet at least, and this one has %d", o.Sheets)
	}
	if err := json.NewEncoder(os.Stdout).Encode(offer{Cents: price(o)}); err != nil {
		fail("the offer cannot be written: %v", err)
	}
}

// price is what the competitor must not see: a sheet costs less the more there are.
func price(o order) int {
	cents := 400 + 9*min(o.Sheets, 1000) + 6*max(0, o.Sheets-1000)
	if o.Colour {
		cents *= 3
	}
	return cents
}

// fail tells the vendor, who sees the end of standard error beside the failed call; the
// program that called learns only that the function failed.
func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
