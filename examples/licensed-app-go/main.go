// Command materials tells what materials weigh. Its table is encrypted, and opens with a
// licence alone.
//
//	materials activate CARD     once on each machine
//	materials list
//	materials mass copper 12.5  what 12.5 cubic centimetres weigh
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/fingerprint"
)

const product, version = "materials-go", "1.0"

func main() {
	home := flag.String("home", "work", "where the program is installed")
	unplugged := flag.Bool("no-network", false, "to try what happens when the server cannot be reached")
	flag.Parse()
	client, err := open(context.Background(), *home, *unplugged)
	if err == nil {
		err = run(context.Background(), client, *home, flag.Args())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "materials:", explained(err))
		os.Exit(1)
	}
}

// open reads the installation; nothing is sent yet.
func open(ctx context.Context, home string, unplugged bool) (*license.Client, error) {
	// A program that is sold has its kit embedded, where nobody replaces it.
	text, err := os.ReadFile(filepath.Join(home, "kit.json"))
	if err != nil {
		return nil, err
	}
	kit, err := license.ParseKit(text)
	if err != nil {
		return nil, err
	}
	o := license.Options{Kit: kit, Dir: home, Version: version, Components: fingerprint.Collect(ctx, product, fingerprint.Sources{})}
	if unplugged {
		o.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("there is no network")
		}}}
	}
	return license.Open(o)
}

var errUsage = errors.New("use it as: materials activate CARD, materials list, or materials mass MATERIAL CM3")

func run(ctx context.Context, client *license.Client, home string, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "activate":
		standing, err := client.Activate(ctx, args[1])
		if err == nil {
			fmt.Println("activated", until(standing))
		}
		return err
	case len(args) == 1 && args[0] == "list":
		table, err := unpack(ctx, client, filepath.Join(home, "materials.dat"))
		for _, m := range table {
			fmt.Printf("%-10s %6.2f g/cm3  melts at %4.0f °C\n", m.name, m.density, m.melts)
		}
		return err
	case len(args) == 3 && args[0] == "mass":
		volume, err := strconv.ParseFloat(args[2], 64)
		if err != nil {
			return errUsage
		}
		table, err := unpack(ctx, client, filepath.Join(home, "materials.dat"))
		if err != nil {
			return err
		}
		for _, m := range table {
			if m.name == args[1] {
				fmt.Printf("%g cm3 of %s weigh %.2f g\n", volume, m.name, volume*m.density)
				return nil
			}
		}
		return fmt.Errorf("there is no %q in the table: see materials list", args[1])
	}
	return errUsage
}

func until(s license.Standing) string {
	end := "without an end"
	if s.ExpiresAt != nil {
		end = "good until " + s.ExpiresAt.Format(time.DateOnly)
	}
	if s.Cached && s.LeaseUntil != nil {
		return fmt.Sprintf("%s; the server does not answer, which does not matter before %s UTC", end, s.LeaseUntil.UTC().Format("2006-01-02 15:04"))
	}
	return end + ", says the server"
}

// explained is an error in words for whoever uses the program.
func explained(err error) string {
	refused := (*license.RefusedError)(nil)
	switch {
	case errors.As(err, &refused) && refused.Code == "card_not_active":
		return "no licence yet. Begin by: materials activate CARD"
	case errors.As(err, &refused):
		return fmt.Sprintf("this licence is not good here: %s (%s)", refused.Detail, refused.Code)
	case errors.Is(err, license.ErrUnreachable), errors.Is(err, license.ErrAnswer):
		return "the licence server does not answer, and without it the licence is not good: " + err.Error()
	case errors.Is(err, license.ErrState), errors.Is(err, license.ErrKit):
		return "the installation is damaged: " + err.Error()
	}
	return err.Error()
}
