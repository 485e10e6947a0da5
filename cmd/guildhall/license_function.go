package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"guildhall/platform/fault"
	"guildhall/sdk/go/license/manage"
)

type licenseFunctionCommand struct {
	Add     licenseFunctionAddCommand     `cmd:"" help:"Upload a function, or its next version, which runs from now on; print its version."`
	List    licenseFunctionListCommand    `cmd:"" help:"List the functions of a product, by name."`
	Show    licenseFunctionShowCommand    `cmd:"" help:"Show one function, its versions and the calls that failed last."`
	Update  licenseFunctionUpdateCommand  `cmd:"" help:"Give a function other limits or another note."`
	Enable  licenseFunctionEnableCommand  `cmd:"" help:"Let programs call a function."`
	Disable licenseFunctionDisableCommand `cmd:"" help:"Let no program call a function for now."`
	Use     licenseFunctionUseCommand     `cmd:"" help:"Let another version run."`
	Remove  licenseFunctionRemoveCommand  `cmd:"" help:"Remove a function, or one version of it."`
}

// functionArguments name a function.
type functionArguments struct {
	productArgument `embed:""`
	Name            string `arg:"" help:"The function's name."`
}

type licenseFunctionAddCommand struct {
	place             `embed:""`
	functionArguments `embed:""`
	Module            string `arg:"" help:"The file with the WebAssembly module, or - for standard input."`
	Note              string `help:"What is new in this version." placeholder:"TEXT"`
	JSON              bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseFunctionAddCommand) Help() string {
	return "The module is a command for WASI preview 1: GOOS=wasip1 GOARCH=wasm go build makes one of a Go program. It reads its input from standard input and writes its output to standard output. " +
		"Cards may call it whose policy names it. The module that runs already is no new version: --note becomes the note of that version.\n\n" + exitHelp
}

// Run uploads it.
func (c *licenseFunctionAddCommand) Run(ctx context.Context, t terminal) error {
	module, err := readModule(c.Module, t)
	if err != nil {
		return err
	}
	return c.license(ctx, t, func(client *manage.Client) error {
		f, err := client.UploadFunction(ctx, c.Product, c.Name, module, c.Note)
		if err != nil {
			return err
		}
		return printMade(t, c.JSON, fmt.Sprint(f.Current), f)
	})
}

func readModule(path string, t terminal) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(t.in)
	}
	module, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable("MODULE", path, err)
	}
	if len(module) == 0 {
		return nil, fault.Fields(fault.Field{Name: "MODULE", Code: "empty", Detail: path + " is empty. Was it written completely, and is it the right file?"})
	}
	return module, nil
}

type licenseFunctionListCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	JSON            bool `name:"json" help:"Print a JSON array."`
}

// Help is the long text of --help.
func (licenseFunctionListCommand) Help() string { return exitHelp }

// Run lists them.
func (c *licenseFunctionListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		list, err := client.Functions(ctx, c.Product)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, false, list.Functions, func(f manage.Function) (id, line string) {
			return f.ID, fmt.Sprintf("%-24s  version %-4d  %-8s  %5d ms  %4d MiB  %s", f.Name, f.Current, functionState(f), f.TimeMS, f.MemoryMiB, oneLine(f.Note))
		})
	})
}

func functionState(f manage.Function) string {
	if f.Enabled {
		return "enabled"
	}
	return "disabled"
}

type licenseFunctionShowCommand struct {
	place             `embed:""`
	functionArguments `embed:""`
	JSON              bool `name:"json" help:"Print JSON: function and failures."`
}

// Help is the long text of --help.
func (licenseFunctionShowCommand) Help() string { return exitHelp }

// Run shows it.
func (c *licenseFunctionShowCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		f, err := client.Function(ctx, c.Product, c.Name)
		if err != nil {
			return err
		}
		failures, err := client.FunctionFailures(ctx, c.Product, c.Name)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(map[string]any{"function": f, "failures": failures.Failures})
		}
		t.printf("id        %s\nstate     %s\nruns      version %d\nlimits    %d ms, %d MiB, %d bytes of output\n", f.ID, functionState(*f), f.Current, f.TimeMS, f.MemoryMiB, f.OutputBytes)
		if f.Note != "" {
			t.printf("note      %s\n", oneLine(f.Note))
		}
		for _, v := range f.Versions {
			t.printf("version   %-4d  %s  %9d bytes  %s  %s\n", v.Version, v.MadeAt.Format(time.RFC3339), v.Size, v.SHA256, oneLine(v.Note))
		}
		for _, x := range failures.Failures {
			t.printf("failed    %s  version %d  %s  exit %d  %s  %s\n", x.At.Format(time.RFC3339), x.Version, x.Code, x.Exit, x.Card, oneLine(x.Cause+" "+x.Log))
		}
		return nil
	})
}

type licenseFunctionUpdateCommand struct {
	place             `embed:""`
	functionArguments `embed:""`
	TimeMS            *int64  `name:"time-ms" help:"How long a call may take, in milliseconds: 1 to 10000." placeholder:"N"`
	MemoryMiB         *int64  `name:"memory-mib" help:"How much memory it may have: 1 to 512." placeholder:"N"`
	OutputBytes       *int64  `name:"output-bytes" help:"How much it may write: 1 to 131072." placeholder:"N"`
	Note              *string `help:"Whatever should be known of it." placeholder:"TEXT"`
}

// Help is the long text of --help.
func (licenseFunctionUpdateCommand) Help() string { return "Changes what is given.\n\n" + exitHelp }

// Validate wants to know what to change.
func (c *licenseFunctionUpdateCommand) Validate() error {
	if c.TimeMS == nil && c.MemoryMiB == nil && c.OutputBytes == nil && c.Note == nil {
		return errors.New("give --time-ms, --memory-mib, --output-bytes or --note: without them nothing would change")
	}
	return nil
}

// Run changes it.
func (c *licenseFunctionUpdateCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		f, err := client.Function(ctx, c.Product, c.Name)
		if err != nil {
			return err
		}
		_, err = client.UpdateFunction(ctx, c.Product, c.Name, manage.FunctionFields{TimeMS: given(c.TimeMS, f.TimeMS), MemoryMiB: given(c.MemoryMiB, f.MemoryMiB),
			OutputBytes: given(c.OutputBytes, f.OutputBytes), Note: given(c.Note, f.Note)})
		if err != nil {
			return err
		}
		t.printf("changed %s\n", c.Name)
		return nil
	})
}

type licenseFunctionEnableCommand struct {
	place             `embed:""`
	functionArguments `embed:""`
}

// Help is the long text of --help.
func (licenseFunctionEnableCommand) Help() string { return exitHelp }

// Run enables it.
func (c *licenseFunctionEnableCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		if _, err := client.EnableFunction(ctx, c.Product, c.Name); err != nil {
			return err
		}
		t.printf("enabled %s\n", c.Name)
		return nil
	})
}

type licenseFunctionDisableCommand struct {
	place             `embed:""`
	functionArguments `embed:""`
}

// Help is the long text of --help.
func (licenseFunctionDisableCommand) Help() string { return exitHelp }

// Run disables it.
func (c *licenseFunctionDisableCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		if _, err := client.DisableFunction(ctx, c.Product, c.Name); err != nil {
			return err
		}
		t.printf("disabled %s\n", c.Name)
		return nil
	})
}

type licenseFunctionUseCommand struct {
	place             `embed:""`
	functionArguments `embed:""`
	Version           int64 `arg:"" help:"The number of the version."`
}

// Help is the long text of --help.
func (licenseFunctionUseCommand) Help() string { return exitHelp }

// Run uses it.
func (c *licenseFunctionUseCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		if _, err := client.UseFunctionVersion(ctx, c.Product, c.Name, c.Version); err != nil {
			return err
		}
		t.printf("%s runs version %d\n", c.Name, c.Version)
		return nil
	})
}

type licenseFunctionRemoveCommand struct {
	place             `embed:""`
	functionArguments `embed:""`
	Version           int64 `help:"Only this version, which must not be the one that runs." placeholder:"N"`
	Yes               bool  `help:"Really remove the function with all its versions."`
}

// Help is the long text of --help.
func (licenseFunctionRemoveCommand) Help() string { return exitHelp }

// Validate wants to be sure.
func (c *licenseFunctionRemoveCommand) Validate() error {
	if c.Version == 0 && !c.Yes {
		return errors.New("this removes the function with all its versions: give --yes, or --version N for one of them")
	}
	return nil
}

// Run removes it.
func (c *licenseFunctionRemoveCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		if c.Version != 0 {
			if err := client.RemoveFunctionVersion(ctx, c.Product, c.Name, c.Version); err != nil {
				return err
			}
			t.printf("removed version %d of %s\n", c.Version, c.Name)
			return nil
		}
		if err := client.RemoveFunction(ctx, c.Product, c.Name); err != nil {
			return err
		}
		t.printf("removed %s\n", c.Name)
		return nil
	})
}
