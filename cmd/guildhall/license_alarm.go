package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"guildhall/sdk/go/license/manage"
)

type licenseAlarmCommand struct {
	List        licenseAlarmListCommand        `cmd:"" help:"List alarms, the last first."`
	Acknowledge licenseAlarmAcknowledgeCommand `cmd:"" help:"Say that somebody has looked at alarms."`
}

type licenseAlarmListCommand struct {
	place  `embed:""`
	Open   bool `help:"Only those that nobody has acknowledged."`
	listed `embed:""`
}

// Help is the long text of --help.
func (licenseAlarmListCommand) Help() string {
	return "Kinds: fingerprints (a card shows too many machines), mismatches (it met too many refused ones), strangers (so many that they have to wait), guesses (an address asks for cards that are none).\n\n" + exitHelp
}

// Run reads page after page.
func (c *licenseAlarmListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		return printPages(t, c.listed, "", func(offset int) ([]manage.Alarm, int, error) {
			page, err := client.Alarms(ctx, manage.AlarmRequest{Open: c.Open, Limit: pageSize, Offset: offset})
			if err != nil {
				return nil, 0, err
			}
			return page.Alarms, page.Total, nil
		}, func(a manage.Alarm) (id, line string) {
			state := "open"
			if !a.AcknowledgedAt.IsZero() {
				state = "acknowledged by " + a.AcknowledgedBy
			}
			return a.ID, fmt.Sprintf("%s  %s  %-12s  %4d  %-15s  %s", a.ID, a.LastAt.Format(time.RFC3339), a.Kind, a.Count, cmp.Or(a.Card, a.IP), state)
		})
	})
}

type licenseAlarmAcknowledgeCommand struct {
	place  `embed:""`
	Alarms []string `arg:"" help:"Ids of alarms." name:"alarm"`
}

// Help is the long text of --help.
func (licenseAlarmAcknowledgeCommand) Help() string {
	return "The list tells who was the first.\n\n" + exitHelp
}

// Run acknowledges one after another.
func (c *licenseAlarmAcknowledgeCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		for _, id := range c.Alarms {
			if _, err := client.AcknowledgeAlarm(ctx, id); err != nil {
				return fmt.Errorf("acknowledge %s: %w", id, err)
			}
			t.printf("acknowledged %s\n", id)
		}
		return nil
	})
}
