package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"guildhall/platform/fault"
	"guildhall/sdk/go/api"
	"guildhall/sdk/go/license/manage"
)

type licenseCardCommand struct {
	List    licenseCardListCommand    `cmd:"" help:"Find cards, the last made first."`
	Show    licenseCardShowCommand    `cmd:"" help:"Show one card, its machine and what happened to it."`
	Update  licenseCardUpdateCommand  `cmd:"" help:"Give a card another policy, customer or note."`
	Suspend licenseCardReasonCommand  `cmd:"" help:"Stop cards for now."`
	Resume  licenseCardPlainCommand   `cmd:"" help:"Let suspended cards go on."`
	Revoke  licenseCardReasonCommand  `cmd:"" help:"Stop cards for good."`
	Extend  licenseCardExtendCommand  `cmd:"" help:"Move the end of cards."`
	Unbind  licenseCardUnbindCommand  `cmd:"" help:"Take cards off their machines."`
	Modules licenseCardModulesCommand `cmd:"" help:"Give a card modules of its own, in place of its policy's."`
	Bin     licenseCardPlainCommand   `cmd:"" help:"Put cards into the recycle bin."`
	Restore licenseCardPlainCommand   `cmd:"" help:"Take cards out of the recycle bin."`
}

type licenseCardListCommand struct {
	place      `embed:""`
	Query      string `help:"Text in notes; or a whole key, typed in any way, to which no other filter applies." short:"q" placeholder:"TEXT"`
	Prefix     string `help:"The first four characters of the key." placeholder:"XXXX"`
	IP         string `name:"ip" help:"Address of the machine that it is bound to." placeholder:"ADDRESS"`
	Product    string `help:"The product's code or id." placeholder:"PRODUCT"`
	Policy     string `help:"The policy's id or exact name." placeholder:"POLICY"`
	Customer   string `help:"The customer's id or exact name." placeholder:"CUSTOMER"`
	Batch      string `help:"The batch's id." placeholder:"ID"`
	State      string `help:"Only these: new, active, expired, suspended, revoked, or binned (in the recycle bin)." enum:",new,active,expired,suspended,revoked,binned" default:"" placeholder:"STATE"`
	EndsWithin int    `help:"Only those that end within so many days." placeholder:"DAYS"`
	listed     `embed:""`
}

// Help is the long text of --help.
func (licenseCardListCommand) Help() string { return exitHelp }

// Run reads page after page.
func (c *licenseCardListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		r := manage.CardRequest{Text: c.Query, Prefix: c.Prefix, IP: c.IP, Product: c.Product, Batch: c.Batch, State: c.State, EndsWithin: c.EndsWithin, Limit: pageSize}
		var err error
		if c.Policy != "" {
			if r.Policy, err = findPolicy(ctx, client, "--policy", c.Policy); err != nil {
				return err
			}
		}
		if r.Customer, err = findCustomer(ctx, client, "--customer", c.Customer); err != nil {
			return err
		}
		return printPages(t, c.listed, fmt.Sprintf("%-30s  %-4s  %-9s  %-20s  NOTE", "CARD", "KEY", "STATE", "ENDS"),
			func(offset int) ([]manage.Card, int, error) {
				if wholeKey(c.Query) { // which no address holds
					id, err := findCard(ctx, client, c.Query)
					if err != nil {
						return nil, 0, err
					}
					found, err := client.Card(ctx, id)
					if err != nil {
						return nil, 0, err
					}
					return []manage.Card{found.Card}, 1, nil
				}
				r.Offset = offset
				page, err := client.Cards(ctx, r)
				if err != nil {
					return nil, 0, err
				}
				return page.Cards, page.Total, nil
			}, func(x manage.Card) (id, line string) {
				return x.ID, fmt.Sprintf("%s  %s  %-9s  %-20s  %s", x.ID, x.Prefix, x.State, cardEnd(x), oneLine(x.Note))
			})
	})
}

// cardEnd is when a card ends, for people.
func cardEnd(x manage.Card) string {
	switch {
	case !x.ExpiresAt.IsZero():
		return stamp(x.ExpiresAt)
	case !x.EndsAt.IsZero():
		return stamp(x.EndsAt)
	case !x.ActivatedAt.IsZero():
		return "never"
	case x.Days > 0:
		return fmt.Sprintf("%d days", x.Days)
	}
	return "as the policy says"
}

// findCard is the id of the card with the id, the whole key or, if no other has it, the
// first group of its key.
func findCard(ctx context.Context, client *manage.Client, text string) (string, error) {
	if strings.HasPrefix(text, "crd_") {
		return text, nil
	}
	if len(strings.TrimSpace(text)) == prefixLength {
		return findPrefix(ctx, client, strings.TrimSpace(text))
	}
	found, err := client.FindCard(ctx, text)
	p, ok := errors.AsType[*api.Problem](err)
	switch {
	case err == nil:
		return found.ID, nil
	case ok && p.Code == "card_not_found":
		return "", fault.Fields(fault.Field{Name: "CARD", Code: p.Code, Detail: "There is no card with this key. \"guildhall license card list\" finds them."})
	case ok && len(p.Fields) == 1:
		return "", fault.Fields(fault.Field{Name: "CARD", Code: p.Fields[0].Code, Detail: "This is no id (crd_...), and no key: " + p.Fields[0].Detail})
	}
	return "", err
}

// wholeKey says whether a text has the 32 letters and digits of a key, in groups or not.
func wholeKey(text string) bool {
	n := 0
	for _, r := range text {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			n++
		case r != '-' && !unicode.IsSpace(r):
			return false
		}
	}
	return n == 32
}

// prefixLength is that of the first group of a key, which every list shows.
const prefixLength = 4

func findPrefix(ctx context.Context, client *manage.Client, prefix string) (string, error) {
	var ids []string
	for _, state := range []string{"", "binned"} {
		list, err := client.Cards(ctx, manage.CardRequest{Prefix: prefix, State: state, Limit: 5})
		if err != nil {
			return "", err
		}
		for _, x := range list.Cards {
			ids = append(ids, x.ID)
		}
	}
	switch len(ids) {
	case 1:
		return ids[0], nil
	case 0:
		return "", fault.Fields(fault.Field{Name: "CARD", Code: "card_not_found", Detail: fmt.Sprintf("No key of a card begins with %q. \"guildhall license card list\" finds them.", prefix)})
	}
	return "", fault.Fields(fault.Field{Name: "CARD", Code: "ambiguous", Detail: fmt.Sprintf("Several keys begin with %q. Give the id of one: %s.", prefix, strings.Join(ids, ", "))})
}

type licenseCardShowCommand struct {
	place `embed:""`
	Card  string `arg:"" help:"The card's id, whole key or the first group of the key."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseCardShowCommand) Help() string { return exitHelp }

// Run prints it.
func (c *licenseCardShowCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		id, err := findCard(ctx, client, c.Card)
		if err != nil {
			return err
		}
		x, err := client.Card(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(x)
		}
		printCard(t, x)
		return nil
	})
}

func printCard(t terminal, x *manage.CardDetail) {
	t.printf("id         %s\nkey        %s...\nstate      %s\nends       %s\npolicy     %s\nmade       %s\n", x.ID, x.Prefix, x.State, cardEnd(x.Card), x.Policy, stamp(x.MadeAt))
	for _, v := range []struct{ name, text string }{{"batch", x.Batch}, {"customer", x.Customer}, {"activated", stamp(x.ActivatedAt)}, {"binned", stamp(x.BinnedAt)}, {"note", x.Note}} {
		if v.text != "" {
			t.printf("%-9s  %s\n", v.name, v.text)
		}
	}
	if x.Modules != nil {
		t.printf("modules    %s\n", strings.Join(x.Modules, " "))
	}
	t.printf("moved      %d of %d times a year by the customer, %d times by the vendor\n", x.Moves.Used, x.Moves.PerYear, x.Moves.ByVendor)
	for _, e := range x.Environments {
		word := "bound to"
		if !e.UnboundAt.IsZero() {
			word = "was on"
		}
		parts := "no components"
		if len(e.Components) > 0 {
			parts = strings.Join(e.Components, " ")
		}
		t.printf("%-9s  %s at %s, seen %s (%s)\n", word, e.ID, e.IP, stamp(e.SeenAt), parts)
	}
	for _, e := range slices.Backward(x.Events) {
		t.printf("%s  %-9s  %-15s  %s\n", e.At.Format(time.RFC3339), e.Kind, e.IP, oneLine(told(e.Detail)))
	}
}

// told is what an event says beside its kind, without what --json alone has room for.
func told(detail map[string]any) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		switch value := detail[name].(type) {
		case nil:
		case map[string]any:
			all = append(all, fmt.Sprintf("%s (%d)", name, len(value)))
		case []any:
			all = append(all, fmt.Sprintf("%s (%d)", name, len(value)))
		default:
			if text := fmt.Sprint(value); text != "" {
				all = append(all, name+" "+text)
			}
		}
	}
	return strings.Join(all, "; ")
}

type licenseCardUpdateCommand struct {
	place    `embed:""`
	Card     string  `arg:"" help:"The card's id, whole key or the first group of the key."`
	Policy   string  `help:"Another policy of the product: its id or exact name." placeholder:"POLICY"`
	Customer *string `help:"Another customer: the id or exact name; an empty one is none." placeholder:"CUSTOMER"`
	Note     *string `help:"Another note; an empty one removes it." placeholder:"TEXT"`
}

// Help is the long text of --help.
func (licenseCardUpdateCommand) Help() string { return "Changes what is given.\n\n" + exitHelp }

// Validate wants to know what to change.
func (c *licenseCardUpdateCommand) Validate() error {
	if c.Policy == "" && c.Customer == nil && c.Note == nil {
		return errors.New("give --policy, --customer or --note: without them nothing would change")
	}
	return nil
}

// Run changes it.
func (c *licenseCardUpdateCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		id, err := findCard(ctx, client, c.Card)
		if err != nil {
			return err
		}
		x, err := client.Card(ctx, id)
		if err != nil {
			return err
		}
		f := manage.CardFields{Policy: x.Policy, Customer: x.Customer, Note: given(c.Note, x.Note)}
		if c.Policy != "" {
			if f.Policy, err = findPolicy(ctx, client, "--policy", c.Policy); err != nil {
				return err
			}
		}
		if c.Customer != nil {
			if f.Customer, err = findCustomer(ctx, client, "--customer", *c.Customer); err != nil {
				return err
			}
		}
		if _, err := client.UpdateCard(ctx, id, f); err != nil {
			return err
		}
		t.printf("changed %s\n", id)
		return nil
	})
}
