package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"guildhall/platform/fault"
	"guildhall/sdk/go/identity"
)

type userCommand struct {
	Add      userAddCommand      `cmd:"" help:"Make an account, and print its id."`
	List     userListCommand     `cmd:"" help:"List accounts, the newest first."`
	Show     userShowCommand     `cmd:"" help:"Show one account with its second factors, roles and groups."`
	Disable  userDisableCommand  `cmd:"" help:"Shut an account at once, and end all that it has begun."`
	Enable   userEnableCommand   `cmd:"" help:"Open a disabled account again."`
	Remove   userRemoveCommand   `cmd:"" help:"Delete an account for good, with all that belongs to it."`
	Reset    userResetCommand    `cmd:"" help:"Send a letter that says how to choose a password, or make a one-time password."`
	Unlock   userUnlockCommand   `cmd:"" help:"Forget the wrong tries at an account's secrets."`
	Role     userRoleCommand     `cmd:"" help:"The roles of an account."`
	Factors  userFactorsCommand  `cmd:"" help:"The second factors of an account."`
	Sessions userSessionsCommand `cmd:"" help:"Where an account is signed in."`
}

// userID is the argument that names an account.
type userID struct {
	User string `arg:"" help:"The account's id or e-mail address."`
}

// user runs fn with a client of identity and the account's id.
func (u userID) user(ctx context.Context, p place, t terminal, fn func(client *identity.Client, id string) error) error {
	return p.identity(ctx, t, func(client *identity.Client) error {
		id, err := u.find(ctx, client)
		if err != nil {
			return err
		}
		return fn(client, id)
	})
}

func (u userID) find(ctx context.Context, client *identity.Client) (string, error) {
	if !strings.Contains(u.User, "@") {
		return u.User, nil
	}
	list, err := client.Users(ctx, identity.UserRequest{Email: u.User})
	if err != nil {
		return "", err
	}
	if len(list.Users) == 0 {
		return "", fault.Fields(fault.Field{Name: "USER", Code: "account_not_found", Detail: "There is no account with the address " + u.User + `. "guildhall identity user list" lists them.`})
	}
	return list.Users[0].ID, nil
}

// done says what was done to an account.
func (userID) done(t terminal, what, id string) error {
	t.printf("%s %s\n", what, id)
	return nil
}

type userAddCommand struct {
	place    `embed:""`
	Email    string `arg:"" help:"The person's e-mail address."`
	Name     string `help:"The person's name." required:"" placeholder:"NAME"`
	Language string `help:"Language of pages and letters: en, zh-CN or pl." default:"en" placeholder:"LANGUAGE"`
	Password bool   `help:"Make a one-time password instead of sending a letter."`
	Require  bool   `name:"require-second-factor" help:"Let nothing open before there is a second factor."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (userAddCommand) Help() string {
	return "Prints the id on the first line. A letter brings a link to choose a password; with --password the second line is a one-time password, which is shown once and must be changed at the first sign-in.\n\n" + exitHelp
}

// Run makes it.
func (c *userAddCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error {
		made, err := client.CreateUser(ctx, identity.UserCreate{Email: c.Email, Name: c.Name, Language: c.Language, Password: c.Password, SecondRequired: c.Require})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(made)
		}
		t.printf("%s\n", made.ID)
		if made.Password != "" {
			t.printf("%s\n", made.Password)
		}
		return nil
	})
}

type userListCommand struct {
	place `embed:""`
	Query string `help:"Text in name or address, or the id." short:"q" placeholder:"TEXT"`
	State string `help:"Only these: active, disabled, or invited: active, and the owner has not come yet." enum:",active,disabled,invited" default:"" placeholder:"STATE"`
	Group string `help:"Only those in the group with this id or exact name." placeholder:"GROUP"`
	Sort  string `help:"Order: created_at, name or email." enum:",created_at,name,email" default:"" placeholder:"ORDER"`
	Limit int    `help:"At most so many; 0: all." default:"0" placeholder:"N"`
	JSON  bool   `name:"json" help:"Print a JSON array." xor:"form"`
	IDs   bool   `name:"ids" help:"Print ids only." xor:"form"`
}

// Help is the long text of --help.
func (userListCommand) Help() string { return exitHelp }

// Validate refuses a number of accounts that cannot be.
func (c *userListCommand) Validate() error {
	return checkLimit(c.Limit)
}

// Run reads page after page.
func (c *userListCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) (err error) {
		if c.Group != "" {
			if c.Group, err = findGroup(ctx, client, "--group", c.Group); err != nil {
				return err
			}
		}
		list, err := c.read(ctx, client)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, c.IDs, list, func(u identity.User) (id, line string) {
			return u.ID, fmt.Sprintf("%s  %-8s  %s  %s", u.ID, stateOf(u), oneLine(u.Email), oneLine(u.Name))
		})
	})
}

func (c *userListCommand) read(ctx context.Context, client *identity.Client) ([]identity.User, error) {
	return readAll(c.Limit, func(offset int) ([]identity.User, int, error) {
		page, err := client.Users(ctx, identity.UserRequest{Text: c.Query, State: c.State, Group: c.Group, Sort: c.Sort, Limit: pageSize, Offset: offset})
		if err != nil {
			return nil, 0, err
		}
		return page.Users, page.Total, nil
	})
}

type userShowCommand struct {
	place  `embed:""`
	userID `embed:""`
	JSON   bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (userShowCommand) Help() string { return exitHelp }

// Run prints what is known of it; nobody knows the password.
func (c *userShowCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		u, err := client.User(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(u)
		}
		printUser(t, u)
		return nil
	})
}

func printUser(t terminal, u *identity.UserDetail) {
	t.printf("id                 %s\nname               %s\naddress            %s\naddress proved     %s\nlanguage           %s\nstate              %s\n",
		u.ID, oneLine(u.Name), oneLine(u.Email), yesNo(u.EmailProved), u.Language, stateOf(u.User))
	if u.LockedUntil != nil {
		t.printf("locked             until %s\n", u.LockedUntil.Format(time.RFC3339))
	}
	if u.MustChange {
		t.printf("password           one-time\n")
	}
	printFactors(t, u)
	for _, r := range u.Roles {
		t.printf("role               %s\n", roleLine(r))
	}
	for _, g := range u.Groups {
		t.printf("group              %s  %s\n", g.ID, oneLine(g.Name))
	}
	t.printf("created            %s\n", u.CreatedAt.Format(time.RFC3339))
}

// stateOf is the state as the pages show it: invited until its owner has come.
func stateOf(u identity.User) string {
	if u.State == "active" && !u.Arrived {
		return "invited"
	}
	return u.State
}

type userDisableCommand struct {
	place  `embed:""`
	userID `embed:""`
	Reason string `help:"Why; it goes into the audit log, which cannot forget: name no person." required:"" placeholder:"TEXT"`
}

// Help is the long text of --help.
func (userDisableCommand) Help() string { return exitHelp }

// Run disables at once.
func (c *userDisableCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		if _, err := client.DisableUser(ctx, id, c.Reason); err != nil {
			return err
		}
		return c.done(t, "disabled", id)
	})
}

type userEnableCommand struct {
	place  `embed:""`
	userID `embed:""`
}

// Help is the long text of --help.
func (userEnableCommand) Help() string { return exitHelp }

// Run enables at once.
func (c *userEnableCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		if _, err := client.EnableUser(ctx, id); err != nil {
			return err
		}
		return c.done(t, "enabled", id)
	})
}

type userRemoveCommand struct {
	place  `embed:""`
	userID `embed:""`
	Yes    bool `help:"Really do it."`
}

// Help is the long text of --help.
func (userRemoveCommand) Help() string {
	return "Sessions, second factors, roles, memberships and what applications were allowed are gone with it; its owner gets a letter, and the audit log keeps the id alone. To shut an account and keep it there is \"guildhall identity user disable\".\n\n" + exitHelp
}

// Validate asks for --yes: nothing brings an account back.
func (c *userRemoveCommand) Validate() error {
	if !c.Yes {
		return errors.New("nothing brings the account back; say --yes to do it, or use \"guildhall identity user disable\", which deletes nothing")
	}
	return nil
}

// Run removes at once.
func (c *userRemoveCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		if err := client.RemoveUser(ctx, id); err != nil {
			return err
		}
		return c.done(t, "removed", id)
	})
}

type userUnlockCommand struct {
	place  `embed:""`
	userID `embed:""`
}

// Help is the long text of --help.
func (userUnlockCommand) Help() string { return exitHelp }

// Run unlocks at once.
func (c *userUnlockCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		if _, err := client.UnlockUser(ctx, id); err != nil {
			return err
		}
		return c.done(t, "unlocked", id)
	})
}

type userResetCommand struct {
	place    `embed:""`
	userID   `embed:""`
	Password bool `help:"Make a one-time password instead of sending a letter, and end all sessions."`
	JSON     bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (userResetCommand) Help() string {
	return "A letter says how to choose a password; the present one works until then. With --password the present one is dead at once, and a one-time password stands alone on its line. It is shown once.\n\n" + exitHelp
}

// Run sends the letter or prints the password.
func (c *userResetCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		how := "letter"
		if c.Password {
			how = "password"
		}
		made, err := client.ResetUser(ctx, id, identity.UserReset{How: how})
		switch {
		case err != nil:
			return err
		case c.JSON:
			return t.json(made)
		case made.Password != "":
			t.printf("%s\n", made.Password)
			return nil
		}
		return c.done(t, "letter on its way to", id)
	})
}
