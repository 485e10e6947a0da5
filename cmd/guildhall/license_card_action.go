package main

import (
	"context"
	"slices"

	"github.com/alecthomas/kong"

	"guildhall/platform/fault"
	"guildhall/sdk/go/license/manage"
)

// cardsArgument names cards.
type cardsArgument struct {
	Cards []string `arg:"" help:"Ids, whole keys or first groups of keys."`
}

// maxActed is how many cards the API takes at once.
const maxActed = 1000

// act does the same to all cards, and says what became of each.
func (a cardsArgument) act(ctx context.Context, p place, t terminal, asJSON bool, action manage.CardAction) error {
	return p.license(ctx, t, func(client *manage.Client) error {
		ids := make([]string, len(a.Cards))
		for i, text := range a.Cards {
			var err error
			if ids[i], err = findCard(ctx, client, text); err != nil {
				return err
			}
		}
		all := manage.CardResults{Results: []manage.CardResult{}}
		for part := range slices.Chunk(ids, maxActed) {
			action.IDs = part
			got, err := client.ActOnCards(ctx, action)
			if err != nil {
				return err
			}
			all.Done += got.Done
			all.Results = append(all.Results, got.Results...)
		}
		return printActed(t, asJSON, all)
	})
}

func printActed(t terminal, asJSON bool, all manage.CardResults) error {
	if asJSON {
		if err := t.json(all); err != nil {
			return err
		}
	}
	for _, r := range all.Results {
		switch {
		case r.Code != "":
			t.warn(r.ID + ": " + r.Detail)
		case !asJSON:
			t.printf("%s  %s\n", r.ID, r.State)
		}
	}
	switch {
	case all.Done == len(all.Results):
		return nil
	case all.Done == 0:
		return errNone
	}
	return errNotAll
}

var (
	errNone   = fault.New(fault.Conflict, "nothing_done", "nothing was done; the reason is above")
	errNotAll = fault.New(fault.Conflict, "not_all_done", "it was not done to all cards; the others are named above")
)

type licenseCardPlainCommand struct {
	place         `embed:""`
	cardsArgument `embed:""`
	JSON          bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseCardPlainCommand) Help() string { return exitHelp }

// Run does what the command is called.
func (c *licenseCardPlainCommand) Run(ctx context.Context, t terminal, k *kong.Context) error {
	return c.act(ctx, c.place, t, c.JSON, manage.CardAction{Action: k.Selected().Name})
}

type licenseCardReasonCommand struct {
	place         `embed:""`
	cardsArgument `embed:""`
	Reason        string `help:"Why, for the time line." placeholder:"TEXT"`
	JSON          bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseCardReasonCommand) Help() string { return exitHelp }

// Run does what the command is called.
func (c *licenseCardReasonCommand) Run(ctx context.Context, t terminal, k *kong.Context) error {
	return c.act(ctx, c.place, t, c.JSON, manage.CardAction{Action: k.Selected().Name, Reason: c.Reason})
}

type licenseCardExtendCommand struct {
	place         `embed:""`
	cardsArgument `embed:""`
	Days          int    `help:"By how many days, from now for one that is over." xor:"end" required:"" placeholder:"N"`
	Until         string `help:"To this day (2027-01-31), which is in it, or this time; UTC." xor:"end" required:"" placeholder:"TIME"`
	JSON          bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseCardExtendCommand) Help() string {
	return "A card that was not used yet gets more days, or the time as its fixed end.\n\n" + exitHelp
}

// Run moves the ends.
func (c *licenseCardExtendCommand) Run(ctx context.Context, t terminal) error {
	until, day, err := moment("--until", c.Until)
	if err != nil {
		return err
	}
	if day {
		until = until.AddDate(0, 0, 1)
	}
	return c.act(ctx, c.place, t, c.JSON, manage.CardAction{Action: "extend", Days: c.Days, Until: until})
}

type licenseCardUnbindCommand struct {
	place         `embed:""`
	cardsArgument `embed:""`
	Reason        string `help:"Why, for the time line." required:"" placeholder:"TEXT"`
	JSON          bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseCardUnbindCommand) Help() string {
	return "The next machine that activates the card is bound. It does not count against the quota of customers who move a card themselves.\n\n" + exitHelp
}

// Run unbinds them.
func (c *licenseCardUnbindCommand) Run(ctx context.Context, t terminal) error {
	return c.act(ctx, c.place, t, c.JSON, manage.CardAction{Action: "unbind", Reason: c.Reason})
}

type licenseCardModulesCommand struct {
	place  `embed:""`
	Card   string   `arg:"" help:"The card's id, whole key or the first group of the key."`
	Module []string `help:"A module that the card opens, in place of its policy's; * for all." xor:"modules" required:"" placeholder:"NAME"`
	None   bool     `help:"It opens none." xor:"modules" required:""`
	Policy bool     `help:"Those of its policy hold again." xor:"modules" required:""`
	JSON   bool     `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseCardModulesCommand) Help() string {
	return "It holds from the card's next request on.\n\n" + exitHelp
}

// Run sets them.
func (c *licenseCardModulesCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		id, err := findCard(ctx, client, c.Card)
		if err != nil {
			return err
		}
		modules := append([]string{}, c.Module...)
		if c.Policy {
			modules = nil
		}
		x, err := client.SetCardModules(ctx, id, modules)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(x)
		}
		t.printf("changed %s\n", id)
		return nil
	})
}
