package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// examples are lines as somebody would type them, one for each command of license or
// more; --help shows those that begin with the command.
var examples = []string{
	`guildhall license product add press "The Press"`,
	`guildhall license product list`,
	`guildhall license product show press`,
	`guildhall license product update press --name "The Press 2"`,
	`guildhall license kit press --out kit.json`,
	`guildhall license transport list press`,
	`guildhall license transport rotate press kit`,
	`guildhall license transport end press 9f2c4b7a1e5d8036`,
	`guildhall license release add press 2.1.0`,
	`guildhall license release list press`,
	`guildhall license release rotate press 2.1.0`,
	`guildhall license release key press 2.1.0 --out handshake.key`,
	`guildhall license file add press 2.1.0 press-2.1.0.tar.gz --note "Linux, 64 bits"`,
	`guildhall license file list press 2.1.0`,
	`guildhall license file remove press 2.1.0 fil_06a4m8w3j5t2n7q1c9v0xkzgde`,
	`guildhall license policy add press "One year" --days 365 --module "*" --moves 2/year`,
	`guildhall license policy add press Pro --function render=100/day --files`,
	`guildhall license policy list --product press`,
	`guildhall license policy show "One year"`,
	`guildhall license policy update "One year" --grace 14`,
	`guildhall license function add press render render.wasm --note "faster"`,
	`guildhall license function list press`,
	`guildhall license function show press render`,
	`guildhall license function update press render --time-ms 2000`,
	`guildhall license function enable press render`,
	`guildhall license function disable press render`,
	`guildhall license function use press render 3`,
	`guildhall license function remove press render --version 2`,
	`guildhall license customer add "Printers Ltd" --email office@printers.example`,
	`guildhall license customer list`,
	`guildhall license customer update "Printers Ltd" --note "pays by invoice"`,
	`guildhall license customer invite "Printers Ltd" --email anna@printers.example --language pl`,
	`guildhall license customer accounts "Printers Ltd"`,
	`guildhall license customer unlink "Printers Ltd" inv_06a4m8w3j5t2n7q1c9v0xkzgde`,
	`guildhall license batch add --policy "One year" --count 100 --export keys.csv`,
	`guildhall license batch list --product press`,
	`guildhall license batch show bat_06a4m8w3j5t2n7q1c9v0xkzgde`,
	`guildhall license batch export bat_06a4m8w3j5t2n7q1c9v0xkzgde --out keys.csv`,
	`guildhall license card list --product press --ends-within 30`,
	`guildhall license card list --prefix 7K3M --limit 20`,
	`guildhall license card show 7K3M`,
	`guildhall license card update 7K3M --customer "Printers Ltd" --note "order 4711"`,
	`guildhall license card suspend 7K3M --reason "invoice 4711 is open"`,
	`guildhall license card resume 7K3M`,
	`guildhall license card revoke 7K3M --reason "given back"`,
	`guildhall license card extend 7K3M --days 30`,
	`guildhall license card extend 7K3M --until 2027-12-31`,
	`guildhall license card unbind 7K3M --reason "new laptop"`,
	`guildhall license card modules 7K3M --module layout --module export`,
	`guildhall license card bin 7K3M`,
	`guildhall license card restore 7K3M`,
	`guildhall license key list press`,
	`guildhall license key add press`,
	`guildhall license key rotate press`,
	`guildhall license key export press --out keys.json`,
	`guildhall license key retire press 3d1f8a6c05b27e94 --yes`,
	`guildhall license issue request.json --to 2027-12-31 --preview`,
	`guildhall license issue request.json --to 2027-12-31 --out licence.txt`,
	`guildhall license licence list --product press --ends-to 2027-01-31`,
	`guildhall license licence show lic_06a4m8w3j5t2n7q1c9v0xkzgde`,
	`guildhall license licence text lic_06a4m8w3j5t2n7q1c9v0xkzgde --out licence.txt`,
	`guildhall license licence note lic_06a4m8w3j5t2n7q1c9v0xkzgde "order 4711"`,
	`guildhall license inspect licence.txt`,
	`guildhall license verify licence.txt --key keys.json`,
	`guildhall license request press --install-key install.key --company "Printers Ltd" --contact office@printers.example --out request.json`,
	`guildhall license alarm list --open`,
	`guildhall license alarm acknowledge alm_06a4m8w3j5t2n7q1c9v0xkzgde`,
	`guildhall license audit list --action card.revoked --since 2026-11-01`,
	`guildhall license audit verify`,
	`guildhall license audit export --out audit.jsonl`,
	`guildhall license audit check audit.jsonl --key "guildhall-license/audit+5ac60572+AZNY"`,
}

// examplesOf are those of one command.
func examplesOf(n *kong.Node) (found []string) {
	for _, line := range examples {
		if strings.HasPrefix(line+" ", n.FullPath()+" ") {
			found = append(found, line)
		}
	}
	return found
}

// printHelp is the usual help, and behind that of a command how it is used.
func printHelp(o kong.HelpOptions, k *kong.Context) error {
	if err := kong.DefaultHelpPrinter(o, k); err != nil {
		return err
	}
	n := k.Selected()
	if n == nil || !n.Leaf() || len(examplesOf(n)) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(k.Stdout, "\nFor example:\n  %s\n", strings.Join(examplesOf(n), "\n  "))
	return err
}
