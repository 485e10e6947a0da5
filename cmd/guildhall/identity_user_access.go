package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"guildhall/sdk/go/identity"
)

type userRoleCommand struct {
	List userRoleListCommand `cmd:"" help:"List the roles of an account, its own and those of its groups."`
	Give userRoleGiveCommand `cmd:"" help:"Give an account a role, such as ca.operator."`
	Take userRoleTakeCommand `cmd:"" help:"Take a role back; what a group gives stays."`
}

func roleLine(r identity.UserRole) string {
	if r.ByGroup {
		return r.Name + "  by a group"
	}
	return r.Name
}

type userRoleListCommand struct {
	place  `embed:""`
	userID `embed:""`
	JSON   bool `name:"json" help:"Print JSON, with all roles that can be given."`
}

// Help is the long text of --help.
func (userRoleListCommand) Help() string { return exitHelp }

// Run prints them.
func (c *userRoleListCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		list, err := client.UserRoles(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		for _, r := range list.Roles {
			t.printf("%s\n", roleLine(r))
		}
		return nil
	})
}

// roleName is the argument that names a role.
type roleName struct {
	Role string `arg:"" help:"The role, such as ca.operator; \"guildhall identity user role list USER --json\" lists those that there are."`
}

type userRoleGiveCommand struct {
	place    `embed:""`
	userID   `embed:""`
	roleName `embed:""`
}

// Help is the long text of --help.
func (userRoleGiveCommand) Help() string { return exitHelp }

// Run gives it.
func (c *userRoleGiveCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		if _, err := client.GiveUserRole(ctx, id, c.Role); err != nil {
			return err
		}
		return c.done(t, "gave "+c.Role+" to", id)
	})
}

type userRoleTakeCommand struct {
	place    `embed:""`
	userID   `embed:""`
	roleName `embed:""`
}

// Help is the long text of --help.
func (userRoleTakeCommand) Help() string { return exitHelp }

// Run takes it.
func (c *userRoleTakeCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		before, err := client.UserRoles(ctx, id)
		if err != nil {
			return err
		}
		if _, err := client.TakeUserRole(ctx, id, c.Role); err != nil {
			return err
		}
		if i := slices.IndexFunc(before.Roles, func(r identity.UserRole) bool { return r.Name == c.Role }); i < 0 {
			return c.done(t, c.Role+" was not held by", id)
		} else if before.Roles[i].ByGroup {
			return c.done(t, c.Role+" stays, because a group gives it to", id)
		}
		return c.done(t, "took "+c.Role+" from", id)
	})
}

type userFactorsCommand struct {
	Show     userFactorsShowCommand     `cmd:"" help:"Say which second factors an account has, and whether it needs one."`
	Require  userFactorsRequireCommand  `cmd:"" help:"Let an account open nothing before it has a second factor."`
	Optional userFactorsOptionalCommand `cmd:"" help:"Require a second factor no longer."`
	Remove   userFactorsRemoveCommand   `cmd:"" help:"Remove the second factors of somebody who has lost them."`
}

func printFactors(t terminal, u *identity.UserDetail) {
	second := "optional"
	if u.SecondRequired {
		second = "required"
	}
	t.printf("second factor      %s\nauthenticator app  %s\npasskeys           %d\nrecovery codes     %d\n", second, yesNo(u.Factors.Authenticator), u.Factors.Passkeys, u.Factors.RecoveryCodes)
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

type userFactorsShowCommand struct {
	place  `embed:""`
	userID `embed:""`
	JSON   bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (userFactorsShowCommand) Help() string { return exitHelp }

// Run prints them.
func (c *userFactorsShowCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		u, err := client.User(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(u.Factors)
		}
		printFactors(t, u)
		return nil
	})
}

type userFactorsRequireCommand struct {
	place  `embed:""`
	userID `embed:""`
}

// Help is the long text of --help.
func (userFactorsRequireCommand) Help() string { return exitHelp }

// Run requires one.
func (c *userFactorsRequireCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		if _, err := client.RequireSecondFactor(ctx, id, true); err != nil {
			return err
		}
		return c.done(t, "second factor required of", id)
	})
}

type userFactorsOptionalCommand struct {
	place  `embed:""`
	userID `embed:""`
}

// Help is the long text of --help.
func (userFactorsOptionalCommand) Help() string { return exitHelp }

// Run requires none.
func (c *userFactorsOptionalCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		if _, err := client.RequireSecondFactor(ctx, id, false); err != nil {
			return err
		}
		return c.done(t, "second factor optional for", id)
	})
}

type userFactorsRemoveCommand struct {
	place  `embed:""`
	userID `embed:""`
}

// Help is the long text of --help.
func (userFactorsRemoveCommand) Help() string {
	return "Authenticator, passkeys and recovery codes are removed for good, all sessions end, and the owner gets a letter. Make sure by other means that it is really the owner who asks: from then on the password alone opens the account. Where a second factor is required, the next sign-in begins with setting one up.\n\n" + exitHelp
}

// Run removes them.
func (c *userFactorsRemoveCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		before, err := client.User(ctx, id)
		if err != nil {
			return err
		}
		if _, err := client.RemoveSecondFactors(ctx, id); err != nil {
			return err
		}
		if before.Factors == (identity.UserFactors{}) {
			t.printf("%s had no second factors\n", id)
			return nil
		}
		return c.done(t, "removed the second factors of", id)
	})
}

type userSessionsCommand struct {
	List userSessionsListCommand `cmd:"" help:"List the live sessions of an account, the most recently used first."`
	End  userSessionsEndCommand  `cmd:"" help:"End one session of an account, or all."`
}

type userSessionsListCommand struct {
	place  `embed:""`
	userID `embed:""`
	JSON   bool `name:"json" help:"Print a JSON array."`
}

// Help is the long text of --help.
func (userSessionsListCommand) Help() string { return exitHelp }

// Run prints them.
func (c *userSessionsListCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		list, err := client.UserSessions(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list.Sessions)
		}
		for _, s := range list.Sessions {
			t.printf("%s  %-8s  %s  %s  %s  %s\n", s.ID, s.Level, s.SeenAt.Format(time.RFC3339), s.From, strings.Join(s.Methods, "+"), oneLine(s.UserAgent))
		}
		return nil
	})
}

type userSessionsEndCommand struct {
	place   `embed:""`
	userID  `embed:""`
	Session string `arg:"" optional:"" help:"The session's id from list."`
	All     bool   `help:"All of them, and all that the account has allowed applications."`
}

// Help is the long text of --help.
func (userSessionsEndCommand) Help() string { return exitHelp }

// Validate wants to know which.
func (c *userSessionsEndCommand) Validate() error {
	if (c.Session == "") != c.All {
		return errors.New("give the id of one session, or --all, and not both")
	}
	return nil
}

// Run ends them at once.
func (c *userSessionsEndCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, id string) error {
		if !c.All {
			if err := client.EndUserSession(ctx, id, c.Session); err != nil {
				return err
			}
			return c.done(t, "ended", c.Session)
		}
		ended, err := client.EndUserSessions(ctx, id)
		if err != nil {
			return err
		}
		t.printf("ended %d of %s\n", ended.Ended, id)
		return nil
	})
}
