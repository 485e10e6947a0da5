package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"guildhall/platform/fault"
	"guildhall/sdk/go/identity"
)

type groupCommand struct {
	Add    groupAddCommand    `cmd:"" help:"Make a group, and print its id."`
	List   groupListCommand   `cmd:"" help:"List groups, by name."`
	Show   groupShowCommand   `cmd:"" help:"Show one group and its roles."`
	Update groupUpdateCommand `cmd:"" help:"Give a group another name or description."`
	Remove groupRemoveCommand `cmd:"" help:"Remove a group for good; its members stay."`
	Join   groupJoinCommand   `cmd:"" help:"Put an account into a group."`
	Leave  groupLeaveCommand  `cmd:"" help:"Take an account out of a group."`
	Give   groupGiveCommand   `cmd:"" help:"Give a group, and so its members, a role."`
	Take   groupTakeCommand   `cmd:"" help:"Take a role back from a group."`
}

type groupAddCommand struct {
	place       `embed:""`
	Name        string `arg:"" help:"Its name, up to 64 characters; no two groups have the same."`
	Description string `help:"What it is for, up to 200 characters." placeholder:"TEXT"`
	JSON        bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (groupAddCommand) Help() string { return exitHelp }

// Validate refuses a group without a name.
func (c *groupAddCommand) Validate() error {
	if strings.TrimSpace(c.Name) == "" {
		return errors.New("NAME is empty; give the group a name")
	}
	return nil
}

// Run makes it.
func (c *groupAddCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error {
		made, err := client.CreateGroup(ctx, identity.GroupFields{Name: c.Name, Description: c.Description})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(made)
		}
		t.printf("%s\n", made.ID)
		return nil
	})
}

type groupListCommand struct {
	place  `embed:""`
	Query  string `help:"Text in name or description." short:"q" placeholder:"TEXT"`
	Source string `help:"Only these: local (made here) or directory." enum:",local,directory" default:"" placeholder:"SOURCE"`
	Limit  int    `help:"At most so many; 0: all." default:"0" placeholder:"N"`
	JSON   bool   `name:"json" help:"Print a JSON array." xor:"form"`
	IDs    bool   `name:"ids" help:"Print ids only." xor:"form"`
}

// Help is the long text of --help.
func (groupListCommand) Help() string { return exitHelp }

// Validate refuses a number of groups that cannot be.
func (c *groupListCommand) Validate() error {
	return checkLimit(c.Limit)
}

// Run reads page after page.
func (c *groupListCommand) Run(ctx context.Context, t terminal) error {
	return c.identity(ctx, t, func(client *identity.Client) error {
		list, err := c.read(ctx, client)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, c.IDs, list, func(g identity.Group) (id, line string) {
			return g.ID, fmt.Sprintf("%s  %-9s  %4d  %s", g.ID, g.Source, g.Members, oneLine(g.Name))
		})
	})
}

func (c *groupListCommand) read(ctx context.Context, client *identity.Client) ([]identity.Group, error) {
	return readAll(c.Limit, func(offset int) ([]identity.Group, int, error) {
		page, err := client.Groups(ctx, identity.GroupRequest{Text: c.Query, Source: c.Source, Limit: pageSize, Offset: offset})
		if err != nil {
			return nil, 0, err
		}
		return page.Groups, page.Total, nil
	})
}

// groupID is the argument that names a group.
type groupID struct {
	Group string `arg:"" help:"The group's id or its exact name."`
}

// group runs fn with a client of identity and the group's id.
func (g groupID) group(ctx context.Context, p place, t terminal, fn func(client *identity.Client, id string) error) error {
	return p.identity(ctx, t, func(client *identity.Client) error {
		id, err := findGroup(ctx, client, "GROUP", g.Group)
		if err != nil {
			return err
		}
		return fn(client, id)
	})
}

// findGroup is the id of the group with the id, or else with the name, that the
// argument holds.
func findGroup(ctx context.Context, client *identity.Client, argument, text string) (string, error) {
	unknown := fault.Fields(fault.Field{Name: argument, Code: "group_not_found",
		Detail: fmt.Sprintf("There is no group with the id or the name %q. \"guildhall identity group list\" shows them.", text)})
	if utf8.RuneCountInString(text) > 100 { // longer than any of them
		return "", unknown
	}
	all, err := (&groupListCommand{Query: text}).read(ctx, client)
	if err != nil {
		return "", err
	}
	for _, is := range []func(identity.Group) bool{
		func(g identity.Group) bool { return g.ID == text },
		func(g identity.Group) bool { return g.Name == text },
	} {
		if i := slices.IndexFunc(all, is); i >= 0 {
			return all[i].ID, nil
		}
	}
	return "", unknown
}

type groupShowCommand struct {
	place   `embed:""`
	groupID `embed:""`
	JSON    bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (groupShowCommand) Help() string { return exitHelp }

// Run prints it.
func (c *groupShowCommand) Run(ctx context.Context, t terminal) error {
	return c.group(ctx, c.place, t, func(client *identity.Client, id string) error {
		g, err := client.Group(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(g)
		}
		t.printf("id           %s\nname         %s\ndescription  %s\nsource       %s\nmembers      %d\nroles        %s\nmade         %s\n",
			g.ID, oneLine(g.Name), oneLine(g.Description), g.Source, g.Members, strings.Join(g.Roles, " "), g.CreatedAt.Format(time.RFC3339))
		return nil
	})
}

type groupUpdateCommand struct {
	place       `embed:""`
	groupID     `embed:""`
	Name        *string `help:"Another name." placeholder:"TEXT"`
	Description *string `help:"Another description; an empty one removes it." placeholder:"TEXT"`
}

// Help is the long text of --help.
func (groupUpdateCommand) Help() string {
	return "Changes what is given. What comes from the directory is changed there.\n\n" + exitHelp
}

// Validate wants to know what to change.
func (c *groupUpdateCommand) Validate() error {
	if c.Name == nil && c.Description == nil {
		return errors.New("give --name, --description or both: without them nothing would change")
	}
	return nil
}

// Run changes it.
func (c *groupUpdateCommand) Run(ctx context.Context, t terminal) error {
	return c.group(ctx, c.place, t, func(client *identity.Client, id string) error {
		g, err := client.Group(ctx, id)
		if err != nil {
			return err
		}
		fields := identity.GroupFields{Name: g.Name, Description: g.Description}
		if c.Name != nil {
			fields.Name = *c.Name
		}
		if c.Description != nil {
			fields.Description = *c.Description
		}
		if _, err := client.UpdateGroup(ctx, id, fields); err != nil {
			return err
		}
		t.printf("changed %s\n", id)
		return nil
	})
}

type groupRemoveCommand struct {
	place   `embed:""`
	groupID `embed:""`
	Yes     bool `help:"Really do it."`
}

// Help is the long text of --help.
func (groupRemoveCommand) Help() string {
	return "Its members lose the roles that they have by this group alone; their accounts stay.\n\n" + exitHelp
}

// Validate asks for --yes: nothing brings a group back.
func (c *groupRemoveCommand) Validate() error {
	if !c.Yes {
		return errors.New("nothing brings the group back: its list of members is lost, and they lose the roles that they have by it alone; say --yes to do it")
	}
	return nil
}

// Run removes at once.
func (c *groupRemoveCommand) Run(ctx context.Context, t terminal) error {
	return c.group(ctx, c.place, t, func(client *identity.Client, id string) error {
		if err := client.RemoveGroup(ctx, id); err != nil {
			return err
		}
		t.printf("removed %s\n", id)
		return nil
	})
}

type groupJoinCommand struct {
	place   `embed:""`
	groupID `embed:""`
	userID  `embed:""`
}

// Help is the long text of --help.
func (groupJoinCommand) Help() string { return exitHelp }

// Run adds the account; one that is in the group stays.
func (c *groupJoinCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, user string) error {
		id, err := findGroup(ctx, client, "GROUP", c.Group)
		if err != nil {
			return err
		}
		g, err := client.AddMember(ctx, id, user)
		return printMembers(t, g, err)
	})
}

type groupLeaveCommand struct {
	place   `embed:""`
	groupID `embed:""`
	userID  `embed:""`
}

// Help is the long text of --help.
func (groupLeaveCommand) Help() string { return exitHelp }

// Run drops the account; one that is not in the group is left alone.
func (c *groupLeaveCommand) Run(ctx context.Context, t terminal) error {
	return c.user(ctx, c.place, t, func(client *identity.Client, user string) error {
		id, err := findGroup(ctx, client, "GROUP", c.Group)
		if err != nil {
			return err
		}
		u, err := client.User(ctx, user)
		if err != nil {
			return err
		}
		g, err := client.DropMember(ctx, id, user)
		if err == nil && !slices.ContainsFunc(u.Groups, func(in identity.UserGroup) bool { return in.ID == g.ID }) {
			t.printf("%s was not in %s\n", user, g.ID)
		}
		return printMembers(t, g, err)
	})
}

func printMembers(t terminal, g *identity.GroupDetail, err error) error {
	if err != nil {
		return err
	}
	members := "members"
	if g.Members == 1 {
		members = "member"
	}
	t.printf("%s has %d %s\n", g.ID, g.Members, members)
	return nil
}

type groupGiveCommand struct {
	place    `embed:""`
	groupID  `embed:""`
	roleName `embed:""`
}

// Help is the long text of --help.
func (groupGiveCommand) Help() string { return exitHelp }

// Run gives the role; services see it within a minute.
func (c *groupGiveCommand) Run(ctx context.Context, t terminal) error {
	return c.group(ctx, c.place, t, func(client *identity.Client, id string) error {
		g, err := client.GiveGroupRole(ctx, id, c.Role)
		return printRoles(t, g, err)
	})
}

type groupTakeCommand struct {
	place    `embed:""`
	groupID  `embed:""`
	roleName `embed:""`
}

// Help is the long text of --help.
func (groupTakeCommand) Help() string { return exitHelp }

// Run takes the role back; services see it within a minute.
func (c *groupTakeCommand) Run(ctx context.Context, t terminal) error {
	return c.group(ctx, c.place, t, func(client *identity.Client, id string) error {
		before, err := client.Group(ctx, id)
		if err != nil {
			return err
		}
		g, err := client.TakeGroupRole(ctx, id, c.Role)
		if err == nil && !slices.Contains(before.Roles, c.Role) {
			t.printf("%s was not held by %s\n", c.Role, g.ID)
		}
		return printRoles(t, g, err)
	})
}

func printRoles(t terminal, g *identity.GroupDetail, err error) error {
	if err != nil {
		return err
	}
	t.printf("%s has the roles: %s\n", g.ID, strings.Join(g.Roles, " "))
	return nil
}
