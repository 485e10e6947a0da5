package main

import (
	"context"
	"fmt"
	"slices"

	"guildhall/platform/fault"
	"guildhall/sdk/go/license/manage"
)

type licenseCommand struct {
	Product   licenseProductCommand   `cmd:"" help:"What licences are for."`
	Kit       licenseKitCommand       `cmd:"" help:"Write what a vendor builds into his program."`
	Transport licenseTransportCommand `cmd:"" help:"Keys that seal requests and sign answers."`
	Release   licenseReleaseCommand   `cmd:"" help:"Versions of a product, and their handshake keys."`
	File      licenseFileCommand      `cmd:"" help:"Files of releases, which licensed programs download."`
	Policy    licensePolicyCommand    `cmd:"" help:"How long cards are good, how strictly they are bound, what they allow."`
	Function  licenseFunctionCommand  `cmd:"" help:"What programs call on the server: upload, versions, limits."`
	Customer  licenseCustomerCommand  `cmd:"" help:"Whom cards are for."`
	Batch     licenseBatchCommand     `cmd:"" help:"Make cards, and export their keys."`
	Card      licenseCardCommand      `cmd:"" help:"Find, stop, extend and unbind cards."`
	Key       licenseKeyCommand       `cmd:"" help:"What signs offline licences."`
	Issue     licenseIssueCommand     `cmd:"" help:"Issue an offline licence from a request."`
	Licence   licenseLicenceCommand   `cmd:"" name:"licence" help:"Offline licences that were issued."`
	Inspect   licenseInspectCommand   `cmd:"" help:"Show what an offline licence says."`
	Verify    licenseVerifyCommand    `cmd:"" help:"Verify an offline licence."`
	Request   licenseRequestCommand   `cmd:"" help:"Ask for an offline licence, on the machine that needs it."`
	Alarm     licenseAlarmCommand     `cmd:"" help:"What somebody should look at."`
	Audit     auditCommand            `cmd:"" help:"The audit log."`
}

// license runs fn with a client of license on the data directory, whether a process
// runs there or not.
func (p place) license(ctx context.Context, t terminal, fn func(*manage.Client) error) error {
	return p.service(ctx, t, "license", func(o manage.Options) error { return fn(manage.New(o)) })
}

// named is the id of the one in a list that has the id or, if no other has it, the name.
// what is one of them, and argument names it on the command line.
func named[T any](all []T, argument, what, text string, of func(T) (id, name string)) (string, error) {
	if slices.ContainsFunc(all, func(x T) bool { id, _ := of(x); return id == text }) {
		return text, nil
	}
	var found []string
	for _, x := range all {
		if id, name := of(x); name == text {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fault.Fields(fault.Field{Name: argument, Code: what + "_not_found", Detail: fmt.Sprintf("There is no %s with the id or the name %q. \"guildhall license %s list\" shows them.", what, text, what)})
	}
	return "", fault.Fields(fault.Field{Name: argument, Code: "ambiguous", Detail: fmt.Sprintf("Several have the name %q. Give the id of one: \"guildhall license %s list\" shows them.", text, what)})
}
