package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"guildhall/platform/app"
	"guildhall/platform/config"
	"guildhall/platform/fault"
	"guildhall/sdk/go/api"
)

// Exit codes, a contract with scripts.
const (
	exitOK         = 0
	exitFailed     = 1 // it was tried and did not work; the reason is on standard error
	exitUsage      = 2 // the command line, the configuration or a file is wrong; nothing was changed
	exitNotRunning = 3 // no process serves the data directory
	exitNegative   = 4 // the question was answered, with no: not healthy, not valid, tampered with
)

const exitHelp = `Exit codes: 0 done; 1 failed; 2 wrong command line, configuration or file, nothing changed; 3 no guildhall runs on the data directory; 4 the answer is no (not healthy, not valid, tampered with).`

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// json writes v indented, for --json.
func (t terminal) json(v any) error {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (t terminal) printf(format string, args ...any) {
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = visible(text)
		}
	}
	_, _ = fmt.Fprintf(t.out, format, args...)
}

// warn says something beside the answer.
func (t terminal) warn(text string) { _, _ = fmt.Fprintf(t.err, "guildhall: %s\n", visible(text)) }

// errNegative is returned by commands whose answer is no and already printed.
var errNegative = errors.New("the answer is no")

type cli struct {
	Serve    serveCommand    `cmd:"" help:"Run all services, or those named."`
	Status   statusCommand   `cmd:"" help:"Say whether the running process is healthy."`
	Stop     stopCommand     `cmd:"" help:"Stop the running process after its requests have ended."`
	Reload   reloadCommand   `cmd:"" help:"Make the running process read its log level and its TLS files again."`
	Backup   backupCommand   `cmd:"" help:"Back up every service now."`
	Restore  restoreCommand  `cmd:"" help:"Put the data of a backup file in place."`
	Jobs     jobsCommand     `cmd:"" help:"Background work."`
	Mailbox  mailboxCommand  `cmd:"" help:"Letters that were written in development."`
	Admin    adminCommand    `cmd:"" help:"Links and tokens for administrators."`
	Config   configCommand   `cmd:"" help:"Check or print the configuration."`
	CA       caCommand       `cmd:"" name:"ca" help:"The certificate authority."`
	Identity identityCommand `cmd:"" help:"People, applications, signing keys, the directory and the audit log of identity."`
	License  licenseCommand  `cmd:"" help:"Products, policies, customers, batches, cards and the audit log of license."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// newCLI is the command line with what kong cannot know.
func newCLI() *cli {
	return &cli{CA: caCommand{Audit: auditCommand{service: "ca"}}, Identity: identityCommand{Audit: auditCommand{service: "identity"}},
		License: licenseCommand{Audit: auditCommand{service: "license"}}}
}

// run parses and runs one command line and returns its exit code.
func run(ctx context.Context, args []string, t terminal) int {
	ended := -1
	parser, err := kong.New(newCLI(), kong.Name("guildhall"),
		kong.Description("Sell, license, ship and support your own software: one binary, on your own servers.\n\n"+exitHelp),
		kong.Writers(t.out, t.err), kong.Exit(func(code int) { ended = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Help(printHelp),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(t))
	if err != nil {
		panic(err) // the struct above is wrong; every test would see it
	}
	for i, arg := range args {
		if !utf8.ValidString(arg) {
			t.warn(fmt.Sprintf("argument %d, %q, is not text (UTF-8). Set the terminal to UTF-8 and type it again.", i+1, arg))
			return exitUsage
		}
	}
	parsed, err := parser.Parse(habits(args))
	if ended >= 0 { // --help was printed
		return ended
	}
	if err != nil {
		t.warn(fmt.Sprintf("%s\nTry \"guildhall%s --help\".", mistake(err), command(err)))
		return exitUsage
	}
	return exitCode(parsed.Selected(), placed(parsed, parsed.Run()), t)
}

// placed puts the flag or argument before an answer that something named by it is not
// there: "product_not_found" is about PRODUCT or --product.
func placed(k *kong.Context, err error) error {
	p, ok := errors.AsType[*api.Problem](err)
	if !ok || p.Status != http.StatusNotFound || k.Selected() == nil {
		return err
	}
	thing := strings.TrimSuffix(p.Code, "_not_found")
	for _, name := range []string{thing, map[string]string{"release": "version"}[thing], "id"} {
		for _, a := range k.Selected().Positional {
			if a.Name == name {
				return fmt.Errorf("%s: %w", strings.ToUpper(name), err)
			}
		}
		for _, f := range k.Flags() {
			if f.Name == name && f.Set {
				return fmt.Errorf("--%s: %w", name, err)
			}
		}
	}
	return err
}

// habits turns what other programs understand into what this one does.
func habits(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// mistake is what the parser says, with an argument's name as the help has it, and without
// the choice that stands for none.
func mistake(err error) string {
	text := strings.Replace(err.Error(), `one of "",`, "one of ", 1)
	if name, rest, ok := strings.Cut(text, ">: "); ok && strings.HasPrefix(name, "<") {
		return strings.ToUpper(name[1:]) + ": " + rest
	}
	return text
}

// command is the command that a mistake was made in, with a space before it.
func command(err error) (text string) {
	e, ok := errors.AsType[*kong.ParseError](err)
	if !ok || e.Context == nil {
		return ""
	}
	for _, p := range e.Context.Path {
		if p.Command != nil {
			text += " " + p.Command.Name
		}
	}
	return text
}

// exitCode says on standard error what went wrong in the command and maps it to a code.
func exitCode(command *kong.Node, err error, t terminal) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errNegative) {
		return exitNegative
	}
	t.warn(asFlag(command, err.Error()))
	if errors.Is(err, app.ErrNotRunning) {
		return exitNotRunning
	}
	status, fields := refusal(err)
	if len(fields) > 1 { // the sentence above is about the first one
		for _, f := range fields[1:] {
			t.warn(asFlag(command, f.Name+": "+f.Detail))
		}
	}
	if status >= 400 && status < 500 {
		return exitUsage
	}
	return exitFailed
}

// renamed are the flags and arguments, without their dashes, that have another name than
// the field of the API that they fill.
var renamed = map[string]string{"common_name": "name", "sans": "san", "lifetime": "life", "seconds": "life", "certificate": "file", "q": "query",
	"client_name": "name", "redirect_uris": "redirect-uri", "post_logout_redirect_uris": "post-logout-uri", "scopes": "scope", "audiences": "audience",
	"token_endpoint_auth_method": "method", "tls_client_auth_san_dns": "tls-name", "ends_at": "ends", "functions": "function", "modules": "module",
	"time.mode": "mode", "time.days": "days", "time.grace_days": "grace", "time.expired": "expired", "rebind.per_year": "moves"}

// asFlag names the flag or argument of the command where an answer of the API names its
// field: "sans[1]" is about --san, "time.days" about --days.
func asFlag(command *kong.Node, text string) string {
	field, rest, ok := strings.Cut(text, ": ")
	if !ok || command == nil {
		return text
	}
	name, _, _ := strings.Cut(field, "[")
	name = cmp.Or(renamed[name], strings.ReplaceAll(name, "_", "-"))
	for _, a := range command.Positional {
		if a.Name == name {
			return strings.ToUpper(name) + ": " + rest
		}
	}
	for _, f := range command.Flags {
		if f.Name == name {
			return "--" + name + ": " + rest
		}
	}
	return text
}

// refusal is the HTTP status and the wrong fields, if the text leaves any out, of a fault made here, or of a
// problem document that the process or a service answered.
func refusal(err error) (status int, fields []fault.Field) {
	if p, ok := errors.AsType[fault.Problem](err); ok {
		if p.Code == config.ErrInvalid.Code {
			return p.Status, nil // its text has a line for each
		}
		return p.Status, p.Errors
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		if errors.Is(e, config.ErrInvalid) {
			return e.Kind.Status(), nil
		}
		return e.Kind.Status(), e.Fields
	}
	if p, ok := errors.AsType[*api.Problem](err); ok {
		for _, f := range p.Fields {
			fields = append(fields, fault.Field{Name: f.Name, Code: f.Code, Detail: f.Detail})
		}
		return p.Status, fields
	}
	return 0, nil
}

type versionCommand struct{}

// Run prints the version of the build.
func (versionCommand) Run(t terminal) error {
	t.printf("guildhall %s\n", version())
	return nil
}

// stamped is set by the linker: make build passes git describe.
var stamped string

func version() string {
	if stamped != "" {
		return stamped
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "development"
}
